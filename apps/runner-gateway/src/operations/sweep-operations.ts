import type { Deps } from '../deps.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import { deadlineExceeded, notTaken, outcomeUnknown } from './operation.ts';
import {
  type DueOperation,
  deleteOldOperations,
  endOverdue,
  listRunning,
  lockDueOperations,
  noteLost,
  type OverdueEnd,
  releaseLost,
} from './sweep-store.ts';

export interface OperationTimes {
  /** An instance that was lost has this long to come back for what it carried out. */
  readonly lostMs: number;
  /** A replica without a heartbeat for this long is dead. */
  readonly deadMs: number;
}

export const operationTimes: OperationTimes = { lostMs: 15_000, deadMs: 15_000 };

const DUE_AT_ONCE = 500;
/** Looks at the record that an attempt which is not here survives. */
const LOOKS_UNTIL_LOST = 3;
const OLD_DAYS = 30;
const OLD_AT_ONCE = 1_000;

type SweepDeps = Pick<Deps, 'database' | 'wake'>;

/**
 * Ends what has passed its deadline and releases what its instance did not come back for. Every replica does it; what one has locked the
 * others leave alone. One statement where nothing is due.
 */
export async function endDueOperations({ database, wake }: SweepDeps, times: OperationTimes): Promise<void> {
  const { due, ends, released } = await database.transact(async (tx) => {
    const locked = await lockDueOperations(tx, {
      lostMs: times.lostMs,
      replicaMs: times.deadMs,
      count: DUE_AT_ONCE,
    });
    const overdue = locked.filter(({ expired }) => expired).map(endOf);
    await endOverdue(tx, overdue);
    const lost = locked.filter(({ expired }) => !expired).map(({ uid }) => uid);
    return { due: locked, ends: overdue, released: await releaseLost(tx, lost) };
  });
  if (due.length === 0) return;
  const ended = new Set([
    ...ends.map(({ uid }) => uid),
    ...released.filter(({ state }) => state !== 'queued').map(({ uid }) => uid),
  ]);
  for (const operation of due) {
    if (!ended.has(operation.uid)) wake.work(operation.runner_uid);
    else {
      if (operation.replica_uid !== null) wake.cancelled(operation.replica_uid, operation.uid);
      wake.ended(operation.requester_replica_uid, operation.uid);
    }
  }
}

function endOf(due: DueOperation): OverdueEnd {
  const { uid } = due;
  if (due.state === 'queued') {
    const facts = { runnerName: due.runner_name === '' ? 'the runner' : `runner "${due.runner_name}"` };
    const { usable, online, last_seen_time: lastSeen } = due;
    return { uid, state: 'failed', error: notTaken({ ...facts, usable, online, lastSeen }) };
  }
  if (due.idempotent) return { uid, state: 'failed', error: deadlineExceeded };
  return { uid, state: 'outcome_unknown', error: outcomeUnknown };
}

/** Deletes the records of operations that ended more than thirty days ago, a part at a time. */
export async function deleteOld({ database }: Pick<Deps, 'database'>): Promise<void> {
  await deleteOldOperations(database.query, OLD_DAYS, OLD_AT_ONCE);
}

/** Asks the runner of an operation to end it early, if a session here has it. Once. */
export function cancelHere(live: LiveSessions, uid: string): void {
  const attempt = live.attempt(uid);
  if (!attempt || attempt.cancelSent || attempt.reported) return;
  attempt.cancelSent = true;
  attempt.session.send({
    case: 'cancel',
    value: { attempt: { operationUid: attempt.uid, attempt: attempt.attempt } },
  });
}

/**
 * Compares what runs through this replica with the record: asks for the end of what someone cancelled, and notes as lost what is on record
 * and not here, such as a claim whose answer did not arrive.
 */
export function createAttemptReconciler(settings: {
  readonly deps: Pick<Deps, 'database' | 'replicaUid' | 'logger'>;
  readonly live: LiveSessions;
}): () => Promise<void> {
  const { deps, live } = settings;
  /** Attempts that were not here, with the number of looks since: at first they may be on their way. */
  let strangers = new Map<string, number>();

  return async () => {
    const running = await listRunning(deps.database.query, deps.replicaUid);
    for (const { uid, cancelled } of running) if (cancelled) cancelHere(live, uid);
    const before = strangers;
    strangers = new Map();
    const left = running.filter(({ uid, attempt }) => {
      if (live.attempt(uid)?.attempt === attempt) return false;
      const looks = (before.get(`${uid}/${attempt}`) ?? 0) + 1;
      strangers.set(`${uid}/${attempt}`, looks);
      return looks >= LOOKS_UNTIL_LOST;
    });
    if (left.length === 0) return;
    deps.logger.warn({ operations: left.length }, 'operations were on record as running here that are not');
    await noteLost(deps.database.query, deps.replicaUid, left);
  };
}
