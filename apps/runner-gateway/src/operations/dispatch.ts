import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { OperationInput } from '@planton/api/runner/v1/operation';
import { type Assignment, AssignmentSchema } from '@planton/api/runner/v1/session';
import type { Deps } from '../deps.ts';
import type { Lease } from '../replicas/keep-lease.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import type { Session } from '../sessions/session.ts';
import { errorJson } from './operation.ts';
import { type ClaimedOperation, claimOperations, listRunnersWithWork, type Slot } from './operation-store.ts';
import type { ResultRecorder } from './record-result.ts';

/** Claims under way at once. */
const CLAIMERS = 4;
/** Operations of one claim. */
const LARGEST_CLAIM = 64;

/** What goes to a runner, without attempt and time limit. */
export type Order = Pick<Assignment, 'input' | 'resultPublicKey'>;

/** An attempt that is on record as running on a session. */
export interface Delivery {
  readonly uid: string;
  readonly attempt: number;
  readonly kind: string;
  readonly requesterReplicaUid: string;
  readonly leftMs: number;
}

export interface Dispatcher {
  /** Takes a slot on the session with the least to do, for an operation that is about to be taken down. Undefined: it has to wait. */
  reserve(runnerUid: string, kind: string): Session | undefined;
  /** Sends an attempt to the session that it was taken down for; gives it back where the session is over. */
  deliver(session: Session, delivery: Delivery, order: Order): void;
  /** Gives the operations that wait for a runner to its sessions here, as far as there is room. */
  work(runnerUid: string): void;
  /** A session may have room again. */
  room(session: Session): void;
  /** Looks for operations that wait, whoever was not told. */
  lookAtAll(): Promise<void>;
  /** Gives out nothing any more. */
  stop(): void;
  idle(): Promise<void>;
}

export function sealOrder({ sealingKey }: Pick<Deps, 'sealingKey'>, uid: string, order: Order): Buffer {
  const bytes = toBinary(
    AssignmentSchema,
    create(AssignmentSchema, order as MessageInitShape<typeof AssignmentSchema>),
  );
  return sealingKey.seal(['operation', uid], bytes);
}

/**
 * Hands out operations on this replica. Nothing is handed out that is not on record as running on that very session, and nothing at all
 * while the replica does not hold its lease.
 */
export function createDispatcher(settings: {
  readonly deps: Pick<Deps, 'database' | 'replicaUid' | 'sealingKey' | 'logger' | 'monotonic'>;
  readonly live: LiveSessions;
  readonly lease: Pick<Lease, 'state'>;
  readonly results: () => ResultRecorder;
}): Dispatcher {
  const { deps, live, lease, results } = settings;
  /** Runners whose last claim may have left operations waiting. */
  const hungry = new Set<string>();
  const toClaim = new Set<string>();
  let claiming = 0;
  let stopped = false;
  let idlers: (() => void)[] = [];
  const mayAct = () => !stopped && lease.state() === 'held';

  const giveBack = (attempt: { uid: string; attempt: number; instanceUid: string }) => {
    results()
      .giveBack(attempt)
      .catch((error: unknown) =>
        deps.logger.warn(
          { error, operation: attempt.uid },
          'an operation was not given back; it is found later',
        ),
      );
  };

  const deliver: Dispatcher['deliver'] = (session, delivery, order) => {
    const { uid, attempt, kind, requesterReplicaUid, leftMs } = delivery;
    if (session.state.name !== 'open') {
      giveBack({ uid, attempt, instanceUid: session.instanceUid });
      return;
    }
    live.addAttempt({
      uid,
      attempt,
      kind,
      session,
      requesterReplicaUid,
      deadline: deps.monotonic() + leftMs,
      steps: 0,
      cancelSent: false,
      reported: false,
    });
    const timeout = durationFromMs(Math.max(1, Math.round(leftMs)));
    const value = { attempt: { operationUid: uid, attempt }, timeout, ...order };
    session.send({ case: 'assignment', value: value as MessageInitShape<typeof AssignmentSchema> });
  };

  const deliverClaimed = (sessions: ReadonlyMap<string, Session>, row: ClaimedOperation) => {
    const session = sessions.get(row.instance_uid);
    const reference = { uid: row.uid, attempt: row.attempt, instanceUid: row.instance_uid };
    if (!session) return giveBack(reference);
    let order: Order;
    try {
      const opened = deps.sealingKey.open(['operation', row.uid], row.payload);
      order = readOrder(opened);
      opened.fill(0);
    } catch (error) {
      deps.logger.error({ error, operation: row.uid }, 'the payload of an operation cannot be read');
      const message = 'what was to be done cannot be read any more';
      const failure = errorJson({ kind: 'INTERNAL', reason: 'PAYLOAD_UNREADABLE', message });
      results()
        .fail(reference, failure)
        .catch((failed: unknown) => deps.logger.warn({ error: failed }, 'an operation could not be ended'));
      return;
    }
    const { uid, attempt, kind, requester_replica_uid: requesterReplicaUid, left_ms: leftMs } = row;
    deliver(session, { uid, attempt, kind, requesterReplicaUid, leftMs }, order);
  };

  /** @returns whether operations may be left for the room that there is */
  const claimFor = async (runnerUid: string, group: SlotGroup): Promise<boolean> => {
    const { slots, kinds } = group;
    for (const { session } of slots) session.reserved += 1;
    try {
      const named = slots.map(
        ({ session }): Slot => ({ instanceUid: session.instanceUid, sessionUid: session.uid }),
      );
      const rows = await claimOperations(deps.database.query, deps.replicaUid, runnerUid, named, [...kinds]);
      const sessions = new Map(slots.map(({ session }) => [session.instanceUid, session]));
      for (const row of rows) deliverClaimed(sessions, row);
      return rows.length >= slots.length;
    } finally {
      for (const { session } of slots) session.reserved -= 1;
    }
  };
  const claim = async (runnerUid: string) => {
    hungry.add(runnerUid);
    for (;;) {
      if (!mayAct()) return;
      const groups = groupSlots(live.ofRunner(runnerUid), deps.monotonic());
      if (groups.length === 0) {
        // Whoever has room again asks.
        return;
      }
      let more = false;
      for (const group of groups) more = (await claimFor(runnerUid, group)) || more;
      if (!more) {
        hungry.delete(runnerUid);
        return;
      }
    }
  };
  const startClaims = () => {
    for (const runnerUid of toClaim) {
      if (claiming >= CLAIMERS) return;
      toClaim.delete(runnerUid);
      claiming += 1;
      claim(runnerUid)
        .catch((error: unknown) =>
          deps.logger.warn({ error }, 'operations could not be claimed, and are claimed later'),
        )
        .finally(() => {
          claiming -= 1;
          startClaims();
          if (claiming === 0) for (const idler of idlers.splice(0)) idler();
        });
    }
  };
  const work = (runnerUid: string) => {
    if (stopped || live.ofRunner(runnerUid).length === 0) return;
    toClaim.add(runnerUid);
    startClaims();
  };

  return {
    reserve: (runnerUid, kind) => {
      // Those that wait already go first.
      if (!mayAct() || hungry.has(runnerUid)) return undefined;
      const session = live.pick(runnerUid, kind, deps.monotonic());
      if (session) session.reserved += 1;
      return session;
    },
    deliver,
    work,
    room: (session) => {
      const runnerUid = session.pool?.runnerUid;
      if (runnerUid !== undefined && hungry.has(runnerUid)) work(runnerUid);
    },
    lookAtAll: async () => {
      if (!mayAct() || live.count === 0) return;
      for (const runnerUid of await listRunnersWithWork(deps.database.query)) work(runnerUid);
      for (const runnerUid of hungry) {
        if (live.ofRunner(runnerUid).length === 0) hungry.delete(runnerUid);
        else work(runnerUid);
      }
    },
    stop: () => {
      stopped = true;
      toClaim.clear();
    },
    idle: () =>
      claiming === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idlers = [...idlers, resolve];
          }),
  };
}

interface SlotGroup {
  readonly kinds: ReadonlySet<string>;
  readonly slots: readonly { readonly session: Session }[];
}

/** The room of a runner's sessions as single slots, the least loaded first, apart for sessions that carry out different kinds. */
function groupSlots(sessions: readonly Session[], now: number): SlotGroup[] {
  const groups = new Map<ReadonlySet<string>, { session: Session; load: number }[]>();
  for (const session of sessions) {
    const room = Math.min(session.room(now), LARGEST_CLAIM);
    if (room <= 0 || session.kinds.size === 0) continue;
    const slots = groups.get(session.kinds) ?? [];
    groups.set(session.kinds, slots);
    for (let taken = 0; taken < room; taken++)
      slots.push({ session, load: (session.inFlight + taken) / session.maxInFlight });
  }
  return [...groups].map(([kinds, slots]) => ({
    kinds,
    slots: slots.sort((a, b) => a.load - b.load).slice(0, LARGEST_CLAIM),
  }));
}

/** Holds nothing of the bytes themselves, which are overwritten; a field of bytes is a view of what it was read from. */
function readOrder(bytes: Uint8Array): Order {
  const { input, resultPublicKey } = fromBinary(AssignmentSchema, bytes);
  return {
    ...(input ? { input: input as OperationInput } : {}),
    resultPublicKey: Uint8Array.from(resultPublicKey),
  };
}
