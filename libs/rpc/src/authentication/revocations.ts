import type { Logger } from '../logging/logger.ts';

/** Milliseconds between two reads of the feed: a revocation reaches every service within a second. */
const POLL_INTERVAL_MS = 400;

/** Milliseconds after which what is known of revocations is too old to hand out secrets. */
const STALE_AFTER_MS = 10_000;

/** A complete snapshot: subject uid to the time in milliseconds before which its tokens are worthless. */
export type RevocationSnapshot = ReadonlyMap<string, number>;

export interface Revocations {
  /** Whether something that was issued to the subject at this time (milliseconds) has been revoked since. */
  isRevoked(subjectUid: string, issueTime: number): boolean;
  /** Whether the snapshot is recent enough to hand out secrets. */
  isFresh(): boolean;
  /** Calls back with each snapshot that differs from the one before. */
  onChange(listener: (snapshot: RevocationSnapshot) => void): void;
  /** Reads the feed once, now. Rejects when it cannot be read. */
  refresh(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/**
 * Follows Identity's revocation feed by reading complete snapshots: a lost answer costs one interval and is never missed.
 *
 * @param read reads the current snapshot
 * @param now a monotonic clock in milliseconds, for the age of the snapshot
 */
export function followRevocations(settings: {
  readonly read: () => Promise<RevocationSnapshot>;
  readonly now: () => number;
  readonly logger: Logger;
}): Revocations {
  let snapshot: RevocationSnapshot = new Map();
  let readTime = Number.NEGATIVE_INFINITY;
  let failing = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const listeners: ((snapshot: RevocationSnapshot) => void)[] = [];

  const refresh = async () => {
    const asked = settings.now();
    const next = await settings.read();
    readTime = asked;
    const changed =
      next.size !== snapshot.size || [...next].some(([uid, time]) => snapshot.get(uid) !== time);
    snapshot = next;
    if (changed) for (const listener of listeners) listener(next);
  };

  const poll = async () => {
    try {
      await refresh();
      if (failing) settings.logger.info('revocations can be read again');
      failing = false;
    } catch (error) {
      if (!failing) settings.logger.warn({ error }, 'revocations cannot be read');
      failing = true;
    }
    if (!stopped) timer = setTimeout(schedule, POLL_INTERVAL_MS);
  };
  const schedule = () => {
    running = poll();
  };

  return {
    isRevoked: (subjectUid, issueTime) => issueTime < (snapshot.get(subjectUid) ?? 0),
    isFresh: () => settings.now() - readTime <= STALE_AFTER_MS,
    onChange: (listener) => {
      listeners.push(listener);
    },
    refresh,
    start: schedule,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
