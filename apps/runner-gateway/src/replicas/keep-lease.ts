import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@planton/database';
import type { Logger } from '@planton/rpc';
import type { RunnerTables } from '../schema.ts';
import { beat, reapReplicas } from './replica-store.ts';
import { runLoops } from './run-loops.ts';

const BEAT_EVERY_MS = 1_000;
/** A heartbeat that is not answered by then is on a connection that is dead: the next one takes another. */
const ANSWER_LIMIT_MS = 3_000;
/** How often the age of the lease is looked at, between beats that may hang. */
const LOOK_EVERY_MS = 250;
const SUSPEND_AFTER_MS = 2_000;
const CUT_OFF_AFTER_MS = 10_000;
const REAP_EVERY_MS = 5_000;

/**
 * What a replica may do, by the age of its last heartbeat that is known to have reached the database:
 *
 * - `held`: everything.
 * - `suspended`, after 2 s: it hands out no more work, since others may soon do so in its place.
 * - `cut_off`, after 10 s: it has ended its sessions, so that runners connect elsewhere before the others take it for dead at 15 s.
 *
 * The next heartbeat that reaches the database brings it back to `held`.
 */
export type LeaseState = 'held' | 'suspended' | 'cut_off';

export interface Lease {
  state(): LeaseState;
  /** Whether other replicas were alive at the last heartbeat. */
  hasPeers(): boolean;
  /** Resolves after the first heartbeat, also one that the database did not take: sessions are opened only once one is. */
  start(): Promise<void>;
  /** Ends the heartbeat and, where the database answers, leaves: others need not wait for it to be dead. */
  stop(): Promise<void>;
}

/**
 * Keeps the replica's lease, and reaps the replicas that have lost theirs.
 *
 * @param onCutOff ends every session; called once each time that the replica is cut off
 * @param onHeld called whenever the replica can act again
 * @param onReaped called after other replicas were reaped, with the organisations whose runners look different now
 */
export function keepLease(settings: {
  readonly database: Database<RunnerTables>;
  readonly replicaUid: string;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  readonly logger: Logger;
  readonly onCutOff: () => void;
  readonly onHeld: () => void;
  readonly onReaped: (organizationUids: readonly string[]) => void;
}): Lease {
  const { database, replicaUid, monotonic, random, logger } = settings;
  const stopping = new AbortController();
  let heldSince = Number.NEGATIVE_INFINITY;
  let known: LeaseState = 'cut_off';
  let peers = 0;
  let looking: NodeJS.Timeout | undefined;
  let loops: ReturnType<typeof runLoops> | undefined;

  const look = (): LeaseState => {
    const age = monotonic() - heldSince;
    const now = age > CUT_OFF_AFTER_MS ? 'cut_off' : age > SUSPEND_AFTER_MS ? 'suspended' : 'held';
    if (now === known) return now;
    const before = known;
    known = now;
    if (now === 'held') settings.onHeld();
    else logger.warn({ age_ms: Math.round(age), before, now }, 'the database does not take the heartbeat');
    if (now === 'cut_off') settings.onCutOff();
    return now;
  };
  const beatOnce = async () => {
    // The lease counts from before the statement: nobody can have seen it later.
    const started = monotonic();
    const taken = beat(database.query, replicaUid).then(({ others, known: expected }) => {
      if (stopping.signal.aborted) return;
      peers = others;
      look();
      // The others took it for dead while it was stopped: what it had is no longer its own.
      if (!expected && known !== 'cut_off') {
        known = 'cut_off';
        settings.onCutOff();
      }
      heldSince = Math.max(heldSince, started);
      look();
    });
    const limit = new AbortController();
    const late = sleep(ANSWER_LIMIT_MS, undefined, { signal: limit.signal, ref: false }).then(() => {
      throw new Error('the database does not answer');
    });
    try {
      await Promise.race([taken, late]);
    } finally {
      limit.abort();
      late.catch(() => {});
      taken.catch(() => {});
    }
  };
  const reap = async () => {
    const { replicas, sessions, operations, organizationUids } = await reapReplicas(database.query);
    if (replicas === 0) return;
    logger.warn({ replicas, sessions, operations }, 'replicas that were silent for too long are gone');
    settings.onReaped(organizationUids);
  };
  return {
    state: look,
    hasPeers: () => peers > 0,
    start: async () => {
      await beatOnce().catch((error: unknown) => logger.warn({ error }, 'the first heartbeat failed'));
      looking = setInterval(look, LOOK_EVERY_MS).unref();
      loops = runLoops(
        [
          { what: 'the heartbeat', everyMs: BEAT_EVERY_MS, work: beatOnce },
          { what: 'reaping replicas', everyMs: REAP_EVERY_MS, work: reap },
        ],
        { logger, random },
      );
    },
    stop: async () => {
      stopping.abort();
      clearInterval(looking);
      await loops?.stop();
      await reapReplicas(database.query, replicaUid).catch((error: unknown) =>
        logger.warn({ error }, 'the replica could not take its leave; others will notice'),
      );
    },
  };
}
