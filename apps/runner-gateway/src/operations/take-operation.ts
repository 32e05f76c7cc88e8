import type { OperationInput } from '@planton/api/runner/v1/operation';
import { writeInBatches } from '@planton/database';
import { quota } from '@planton/rpc';
import type { AuditActor } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import type { Session } from '../sessions/session.ts';
import { type Dispatcher, type Order, sealOrder } from './dispatch.ts';
import type { OperationRow } from './operation.ts';
import type { KindRules } from './operation-kind.ts';
import { countWaiting, insertOperations, type NewOperation } from './operation-store.ts';
import type { Wait, Waits } from './waits.ts';

/** Operations that may wait for one runner. */
const MOST_WAITING = 5_000;
const LARGEST_BATCH = 128;

/** What is to be carried out, for whom, and who asked for it. */
export interface OperationOrder {
  readonly runnerUid: string;
  readonly organizationUid: string;
  readonly rules: KindRules;
  readonly input: OperationInput;
  readonly timeoutMs: number;
  /** Empty where the kind has no secret output. */
  readonly resultPublicKey: Uint8Array;
  readonly connection: { readonly uid: string; readonly slug: string };
  readonly actor: AuditActor;
  readonly purpose: string;
}

/** An operation that is on record, and the wait for its end. */
export interface TakenOperation {
  readonly row: OperationRow;
  readonly wait: Wait;
}

export interface OperationTaker {
  /**
   * Takes an operation down, with its audit record, and sends it out where a session here has room: one statement, shared by those that
   * come at once. Undefined where the runner is gone, revoked or not the organisation's.
   *
   * @throws `OPERATIONS_TOO_MANY`
   */
  take(order: OperationOrder): Promise<TakenOperation | undefined>;
}

export function createOperationTaker(settings: {
  readonly deps: Pick<Deps, 'database' | 'wake' | 'replicaUid' | 'sealingKey' | 'newUid'>;
  readonly live: LiveSessions;
  readonly waits: Waits;
  readonly dispatcher: Dispatcher;
}): OperationTaker {
  const { deps, waits, dispatcher } = settings;
  const writer = writeInBatches<NewOperation, OperationRow | undefined>({
    write: async (operations) => {
      const rows = await insertOperations(deps.database.query, deps.replicaUid, operations);
      const found = new Map(rows.map((row) => [row.uid, row]));
      return operations.map(({ uid }) => found.get(uid));
    },
    largest: LARGEST_BATCH,
    concurrency: 2,
  });

  const write = async (
    uid: string,
    order: OperationOrder,
    sent: Order,
    session: Session | undefined,
  ): Promise<OperationRow | undefined> => {
    const { rules, actor, connection } = order;
    const { subject } = actor;
    try {
      return await writer.write({
        uid,
        runnerUid: order.runnerUid,
        organizationUid: order.organizationUid,
        kind: rules.name,
        idempotent: rules.idempotent,
        ...(session ? { slot: { instanceUid: session.instanceUid, sessionUid: session.uid } } : {}),
        timeoutMs: order.timeoutMs,
        payload: sealOrder(deps, uid, sent),
        connectionUid: connection.uid,
        connectionSlug: connection.slug,
        requestedBy: subject.name,
        audit: {
          uid: deps.newUid(),
          actorUid: subject.uid,
          actorName: subject.name,
          via: actor.via ?? '',
          apiKeyUid: subject.apiKeyUid ?? '',
          requestId: actor.requestId,
          purpose: order.purpose,
          peerAddress: actor.peerAddress,
        },
      });
    } finally {
      if (session) session.reserved -= 1;
    }
  };

  const send = (order: OperationOrder, sent: Order, session: Session | undefined, row: OperationRow) => {
    if (row.state !== 'running' || !session) deps.wake.work(row.runner_uid);
    else {
      const { uid, attempt, kind } = row;
      const requesterReplicaUid = deps.replicaUid;
      dispatcher.deliver(session, { uid, attempt, kind, requesterReplicaUid, leftMs: order.timeoutMs }, sent);
    }
  };

  return {
    take: async (order) => {
      const uid = deps.newUid();
      const sent: Order = { input: order.input, resultPublicKey: order.resultPublicKey };
      const session = dispatcher.reserve(order.runnerUid, order.rules.name);
      if (
        !session &&
        (await countWaiting(deps.database.query, order.runnerUid, MOST_WAITING)) >= MOST_WAITING
      )
        throw tooMany();
      const wait = waits.add(uid);
      try {
        const row = await write(uid, order, sent, session);
        if (!row) wait.cancel();
        else send(order, sent, session, row);
        return row && { row, wait };
      } catch (error) {
        wait.cancel();
        throw error;
      }
    },
  };
}

function tooMany() {
  return quota('OPERATIONS_TOO_MANY', `${MOST_WAITING} operations wait for the runner already`, {
    hint: 'planton operation list; start another instance of the runner',
  });
}
