import { prepareStatement } from '@planton/database';
import type { Kysely } from 'kysely';
import { type OperationStateName, type RunnerTables, SCHEMA } from '../schema.ts';
import type { OperationRow, StoredOperation } from './operation.ts';
import { operationColumns, RUNNER_SLUG } from './operation-columns.ts';

/** An operation to take down, with the audit record of whoever asked for it. */
export interface NewOperation {
  readonly uid: string;
  readonly runnerUid: string;
  /** Whom it is carried out for. */
  readonly organizationUid: string;
  readonly kind: string;
  readonly idempotent: boolean;
  /** The session that it goes out on as soon as it is on record; absent for one that waits. */
  readonly slot?: { readonly instanceUid: string; readonly sessionUid: string };
  readonly timeoutMs: number;
  readonly payload: Buffer;
  readonly connectionUid: string;
  readonly connectionSlug: string;
  readonly requestedBy: string;
  readonly audit: {
    readonly uid: string;
    readonly actorUid: string;
    readonly actorName: string;
    readonly via: string;
    readonly apiKeyUid: string;
    readonly requestId: string;
    readonly purpose: string;
    readonly peerAddress: string;
  };
}

const INSERT = prepareStatement<OperationRow>(`
  with given as (
    select * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::text[], $8::text[], $9::float8[],
      $10::bytea[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
      $19::text[], $20::text[], $21::text[])
    as g (uid, runner_uid, organization_uid, kind, idempotent, instance_uid, session_uid, timeout_ms, payload, connection_uid,
      connection_slug, requested_by, audit_uid, actor_uid, actor_name, via_service, api_key_uid, request_id, purpose, peer_address)
  ), taken as (
    insert into "${SCHEMA}".operation as o (uid, organization_uid, runner_uid, kind, idempotent, state, attempt, instance_uid,
      replica_uid, requester_replica_uid, deadline, payload, connection_uid, connection_slug, requested_by, request_id, start_time)
    select g.uid, g.organization_uid, r.uid, g.kind, g.idempotent,
      case when s.uid is null then 'queued' else 'running' end, case when s.uid is null then 0 else 1 end, s.instance_uid,
      s.replica_uid, $1, now() + g.timeout_ms * interval '1 millisecond', g.payload, g.connection_uid, g.connection_slug,
      g.requested_by, g.request_id, case when s.uid is null then null else now() end
    from given g
    join "${SCHEMA}".runner r on r.uid = g.runner_uid and r.revoke_time is null
      and (r.organization_uid = g.organization_uid or r.organization_uid = '')
    left join "${SCHEMA}".session s on s.instance_uid = g.instance_uid and s.uid = g.session_uid and s.replica_uid = $1
    returning ${operationColumns('o')}
  ), recorded as (
    insert into "${SCHEMA}".audit_record (uid, organization_uid, action, actor_uid, actor_name, via_service, api_key_uid,
      resource_kind, resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
    select g.audit_uid, g.organization_uid, 'operation.execute', g.actor_uid, g.actor_name, g.via_service, g.api_key_uid,
      'operation', g.uid, '', '', 0, g.request_id, g.purpose, 'succeeded',
      jsonb_build_object('kind', g.kind, 'runner_uid', g.runner_uid, 'connection', g.connection_slug), g.peer_address
    from given g join taken t on t.uid = g.uid
  )
  select ${operationColumns('o')}, ${RUNNER_SLUG} from taken o join "${SCHEMA}".runner r on r.uid = o.runner_uid`);

/**
 * Takes operations down, each with its audit record. One that has a slot is on record as running, unless that session is no longer
 * the session of its instance: then it waits. One whose runner is gone, revoked or of another organisation is left out.
 */
export async function insertOperations(
  db: Kysely<RunnerTables>,
  replicaUid: string,
  operations: readonly NewOperation[],
): Promise<OperationRow[]> {
  const column = <T>(pick: (operation: NewOperation) => T) => operations.map(pick);
  const { rows } = await db.executeQuery(
    INSERT([
      replicaUid,
      column(({ uid }) => uid),
      column(({ runnerUid }) => runnerUid),
      column(({ organizationUid }) => organizationUid),
      column(({ kind }) => kind),
      column(({ idempotent }) => idempotent),
      column(({ slot }) => slot?.instanceUid ?? null),
      column(({ slot }) => slot?.sessionUid ?? null),
      column(({ timeoutMs }) => timeoutMs),
      column(({ payload }) => payload),
      column(({ connectionUid }) => connectionUid),
      column(({ connectionSlug }) => connectionSlug),
      column(({ requestedBy }) => requestedBy),
      column(({ audit }) => audit.uid),
      column(({ audit }) => audit.actorUid),
      column(({ audit }) => audit.actorName),
      column(({ audit }) => audit.via),
      column(({ audit }) => audit.apiKeyUid),
      column(({ audit }) => audit.requestId),
      column(({ audit }) => audit.purpose),
      column(({ audit }) => audit.peerAddress),
    ]),
  );
  return rows;
}

/** How an attempt ended, as its runner says, or that it was not begun. */
export interface AttemptResult {
  readonly uid: string;
  readonly attempt: number;
  readonly instanceUid: string;
  /** `queued` for one that was handed back. */
  readonly state: Extract<OperationStateName, 'succeeded' | 'failed' | 'cancelled' | 'queued'>;
  /** Protobuf JSON. */
  readonly output: string | null;
  readonly error: string | null;
  /** Kept for whoever waits on another replica. */
  readonly sealedOutput: Buffer | null;
}

/** What became of a result, and the operation as it is now. */
export interface RecordedResult extends StoredOperation {
  /** Whether this statement recorded it; otherwise the row shows why not. */
  readonly recorded: boolean;
}

const RECORD = prepareStatement<RecordedResult & { readonly position: number }>(`
  with given as (
    select * from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
      with ordinality as g (uid, attempt, instance_uid, state, output, error, sealed_output, position)
  ), recorded as (
    update "${SCHEMA}".operation o set
      state = case when g.state = 'queued' and o.cancel_time is not null then 'cancelled' else g.state end,
      end_time = case when g.state = 'queued' and o.cancel_time is null then null else now() end,
      payload = case when g.state = 'queued' and o.cancel_time is null then o.payload end,
      instance_uid = case when g.state = 'queued' then null else o.instance_uid end,
      replica_uid = case when g.state = 'queued' then null else o.replica_uid end,
      output = g.output::jsonb, error = g.error::jsonb, sealed_output = g.sealed_output, lost_time = null
    from given g
    where o.uid = g.uid and o.attempt = g.attempt and o.instance_uid = g.instance_uid and o.state = 'running'
    returning ${operationColumns('o')}, g.position
  )
  select true as recorded, r.position, ${operationColumns('r')} from recorded r
  union all
  select false, g.position, ${operationColumns('o')} from given g join "${SCHEMA}".operation o on o.uid = g.uid
  where not exists (select from recorded r where r.position = g.position)`);

/**
 * Records how attempts ended. The attempt fences: a result counts only while its very attempt runs on its very instance. What is handed
 * back waits again, or is cancelled where its end was asked for.
 *
 * @returns in the order of the results; undefined where there is no such operation
 */
export async function recordResults(
  db: Kysely<RunnerTables>,
  results: readonly AttemptResult[],
): Promise<(RecordedResult | undefined)[]> {
  const column = <T>(pick: (result: AttemptResult) => T) => results.map(pick);
  const { rows } = await db.executeQuery(
    RECORD([
      column(({ uid }) => uid),
      column(({ attempt }) => attempt),
      column(({ instanceUid }) => instanceUid),
      column(({ state }) => state),
      column(({ output }) => output),
      column(({ error }) => error),
      column(({ sealedOutput }) => sealedOutput),
    ]),
  );
  const found = new Map(rows.map((row) => [row.position, row]));
  return results.map((_, index) => found.get(index + 1));
}

/** Room for one operation on a session. */
export interface Slot {
  readonly instanceUid: string;
  readonly sessionUid: string;
}

/** An operation that is on record as running on a session of this replica. */
export interface ClaimedOperation {
  readonly uid: string;
  readonly attempt: number;
  readonly kind: string;
  readonly instance_uid: string;
  readonly requester_replica_uid: string;
  readonly payload: Buffer;
  /** Milliseconds until its deadline, by the database's clock. */
  readonly left_ms: number;
}

const CLAIM = prepareStatement<ClaimedOperation>(`
  with slot as (
    select s.instance_uid, row_number() over (order by given.position) as position
    from unnest($3::text[], $4::text[]) with ordinality as given (instance_uid, session_uid, position)
    join "${SCHEMA}".session s on s.instance_uid = given.instance_uid and s.uid = given.session_uid and s.replica_uid = $1
  ), next as (
    select q.uid, row_number() over (order by q.create_time, q.uid) as position
    from (
      select uid, create_time from "${SCHEMA}".operation
      where runner_uid = $2 and state = 'queued' and kind = any($5::text[]) and deadline > now()
      order by create_time, uid limit (select count(*) from slot) for update skip locked
    ) q
  )
  update "${SCHEMA}".operation o set state = 'running', attempt = o.attempt + 1, instance_uid = slot.instance_uid,
    replica_uid = $1, start_time = coalesce(o.start_time, now()), lost_time = null
  from next join slot on slot.position = next.position
  where o.uid = next.uid
  returning o.uid, o.attempt, o.kind, o.instance_uid, o.requester_replica_uid, o.payload,
    (extract(epoch from o.deadline - now()) * 1000)::float8 as left_ms`);

/**
 * Gives waiting operations of a runner to sessions of this replica that have room, the oldest first, each as a new attempt. Replicas
 * that claim at once get different ones.
 *
 * @param kinds what the sessions carry out
 */
export async function claimOperations(
  db: Kysely<RunnerTables>,
  replicaUid: string,
  runnerUid: string,
  slots: readonly Slot[],
  kinds: readonly string[],
): Promise<ClaimedOperation[]> {
  const { rows } = await db.executeQuery(
    CLAIM([
      replicaUid,
      runnerUid,
      slots.map(({ instanceUid }) => instanceUid),
      slots.map(({ sessionUid }) => sessionUid),
      kinds,
    ]),
  );
  return rows;
}

/** The runners that have operations that wait, a thousand at most. */
export async function listRunnersWithWork(db: Kysely<RunnerTables>): Promise<string[]> {
  const rows = await db
    .selectFrom('operation')
    .select('runner_uid')
    .distinct()
    .where('state', '=', 'queued')
    .limit(1_000)
    .execute();
  return rows.map(({ runner_uid }) => runner_uid);
}

/** How many operations wait for a runner; counts no further than `limit`. */
export async function countWaiting(
  db: Kysely<RunnerTables>,
  runnerUid: string,
  limit: number,
): Promise<number> {
  const { count } = await db
    .selectFrom((waiting) =>
      waiting
        .selectFrom('operation')
        .select('uid')
        .where('runner_uid', '=', runnerUid)
        .where('state', '=', 'queued')
        .limit(limit)
        .as('waiting'),
    )
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}
