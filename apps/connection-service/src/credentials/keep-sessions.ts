import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { IssueCredentialsResponseSchema } from '@planton/api/connect/v1/connection_service';
import { toDomainError } from '@planton/rpc';
import type { Credentials, OpenedSession } from '../providers/provider.ts';

/** A session is handed out while it has more than this left, or than a third of its life where that is less. */
const RENEW_BEFORE_MS = 20 * 60_000;
/** What a session must have left to be handed out after its renewal came to nothing. */
const LEAST_LEFT_MS = 5 * 60_000;
const SWEEP_EVERY_MS = 60_000;
const CAPACITY = 10_000;

/** A session as it is handed out. */
export interface TakenSession extends OpenedSession {
  /** Whether it was opened for someone else, or earlier. */
  readonly cached: boolean;
  /** Whether the call waited for a session to be opened. */
  readonly waited: boolean;
  /** Why the session was not renewed though it should have been: a reason; undefined for one that needed no renewal. */
  readonly renewalFailed: string | undefined;
}

/** The sessions of this replica, in memory alone. */
export interface SessionKeeper {
  /**
   * The session that is kept under the key, else one that `open` opens. Everyone who asks for the same key meanwhile is given the outcome of
   * that one call, a failure too, and nobody who leaves ends it for others; failures are not kept. A session that is due and cannot be
   * renewed for the moment is handed out for as long as it has five minutes left.
   */
  take(key: string, open: () => Promise<OpenedSession>): Promise<TakenSession>;
  /** How many are kept. */
  size(): number;
  /** Overwrites and forgets all. */
  clear(): void;
}

/** Credentials are kept as bytes, which can be overwritten, as strings cannot. */
interface Kept extends Pick<OpenedSession, 'expireTime' | 'details'> {
  readonly bytes: Uint8Array;
  readonly expireMs: number;
  readonly renewMs: number;
}

/** @param settings.capacity sessions that are kept; the one that was longest not asked for goes first */
export function keepSessions(settings: {
  readonly now: () => Date;
  readonly capacity?: number;
}): SessionKeeper {
  const { now, capacity = CAPACITY } = settings;
  const kept = new Map<string, Kept>();
  const openings = new Map<string, Promise<OpenedSession>>();
  let sweptMs = 0;

  const forget = (key: string) => {
    kept.get(key)?.bytes.fill(0);
    kept.delete(key);
  };
  const sweep = (nowMs: number) => {
    if (nowMs - sweptMs < SWEEP_EVERY_MS) return;
    sweptMs = nowMs;
    for (const [key, { expireMs }] of kept) if (expireMs <= nowMs) forget(key);
  };
  const keep = (key: string, session: OpenedSession) => {
    const nowMs = now().getTime();
    const expireMs = session.expireTime.getTime();
    forget(key);
    sweep(nowMs);
    kept.set(key, {
      bytes: encode(session.credentials),
      expireTime: session.expireTime,
      details: session.details,
      expireMs,
      renewMs: expireMs - Math.min(RENEW_BEFORE_MS, (expireMs - nowMs) / 3),
    });
    for (const oldest of kept.keys()) {
      if (kept.size <= capacity) break;
      forget(oldest);
    }
  };
  const openOnce = (key: string, open: () => Promise<OpenedSession>) => {
    const opening = openAndKeep(key, open).finally(() => openings.delete(key));
    openings.set(key, opening);
    return opening;
  };
  const openAndKeep = async (key: string, open: () => Promise<OpenedSession>) => {
    try {
      const session = await open();
      keep(key, session);
      return session;
    } catch (error) {
      // Whoever was told no is told so until it is a yes again.
      if (passingReason(error) === undefined) forget(key);
      throw error;
    }
  };

  return {
    take: async (key, open) => {
      const known = kept.get(key);
      if (known && now().getTime() < known.renewMs) {
        kept.delete(key);
        kept.set(key, known);
        return handOut(known, false);
      }
      const underWay = openings.get(key);
      try {
        const session = await (underWay ?? openOnce(key, open));
        return { ...session, cached: underWay !== undefined, waited: true, renewalFailed: undefined };
      } catch (error) {
        const reason = passingReason(error);
        const old = kept.get(key);
        if (reason === undefined || !old || old.expireMs - now().getTime() <= LEAST_LEFT_MS) throw error;
        return handOut(old, true, reason);
      }
    },
    size: () => kept.size,
    clear: () => {
      for (const key of [...kept.keys()]) forget(key);
    },
  };
}

function handOut(
  { bytes, expireTime, details }: Kept,
  waited: boolean,
  renewalFailed?: string,
): TakenSession {
  return { credentials: decode(bytes), expireTime, details, cached: true, waited, renewalFailed };
}

/** The reason of a failure that says nothing about the session itself; undefined for every other. */
function passingReason(error: unknown): string | undefined {
  const known = toDomainError(error);
  return known?.kind === 'unavailable' || known?.kind === 'quota' ? known.reason : undefined;
}

function encode(credentials: Credentials): Uint8Array {
  return toBinary(
    IssueCredentialsResponseSchema,
    create(IssueCredentialsResponseSchema, { credentials } as { credentials: Credentials }),
  );
}

function decode(bytes: Uint8Array): Credentials {
  return fromBinary(IssueCredentialsResponseSchema, bytes).credentials;
}
