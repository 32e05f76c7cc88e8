import { prepareStatement } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type OperationStateName, type RunnerTables, SCHEMA } from '../schema.ts';
import { RELEASE } from '../sessions/session-store.ts';
import { errorJson, type GatewayError } from './operation.ts';

/** An operation whose time has come: its deadline has passed, or its instance did not come back. */
export interface DueOperation {
  readonly uid: string;
  readonly state: 'queued' | 'running';
  readonly idempotent: boolean;
  readonly runner_uid: string;
  readonly replica_uid: string | null;
  readonly requester_replica_uid: string;
  /** Whether the deadline has passed; otherwise the instance was lost. */
  readonly expired: boolean;
  /** Empty where the runner is deleted. */
  readonly runner_name: string;
  readonly usable: boolean;
  readonly online: boolean;
  readonly last_seen_time: Date | null;
}

const LIST_DUE = prepareStatement<DueOperation>(`
  with due as (
    select uid from "${SCHEMA}".operation where state in ('queued', 'running') and deadline <= now()
    union
    select uid from "${SCHEMA}".operation
    where state = 'running' and lost_time <= now() - $1::float8 * interval '1 millisecond'
    limit $3
  )
  select o.uid, o.state, o.idempotent, o.runner_uid, o.replica_uid, o.requester_replica_uid, o.deadline <= now() as expired,
    coalesce(r.name, '') as runner_name, r.uid is not null and r.revoke_time is null as usable,
    exists (
      select from "${SCHEMA}".session s join "${SCHEMA}".replica p on p.uid = s.replica_uid
      where s.runner_uid = o.runner_uid and p.heartbeat_time > now() - $2::float8 * interval '1 millisecond'
    ) as online,
    (select max(i.last_seen_time) from "${SCHEMA}".runner_instance i where i.runner_uid = o.runner_uid) as last_seen_time
  from "${SCHEMA}".operation o left join "${SCHEMA}".runner r on r.uid = o.runner_uid
  where o.uid in (select uid from due) and o.state in ('queued', 'running')
  for update of o skip locked`);

/** What has to be ended or released now, locked for the transaction. What another replica has locked is left to it. */
export async function lockDueOperations(
  tx: Transaction<RunnerTables>,
  limits: { readonly lostMs: number; readonly replicaMs: number; readonly count: number },
): Promise<DueOperation[]> {
  const { rows } = await tx.executeQuery(LIST_DUE([limits.lostMs, limits.replicaMs, limits.count]));
  return rows;
}

export interface OverdueEnd {
  readonly uid: string;
  readonly state: Extract<OperationStateName, 'failed' | 'outcome_unknown'>;
  readonly error: GatewayError;
}

/** Ends operations that `lockDueOperations` returned. */
export async function endOverdue(tx: Transaction<RunnerTables>, ends: readonly OverdueEnd[]): Promise<void> {
  if (ends.length === 0) return;
  await sql`
    update ${sql.table(`${SCHEMA}.operation`)} o set state = e.state, error = e.error::jsonb, end_time = now(), payload = null,
      lost_time = null
    from unnest(${ends.map(({ uid }) => uid)}::text[], ${ends.map(({ state }) => state)}::text[],
      ${ends.map(({ error }) => errorJson(error))}::text[]) as e (uid, state, error)
    where o.uid = e.uid`.execute(tx);
}

/** Releases operations that `lockDueOperations` returned, as their kinds say. */
export async function releaseLost(
  tx: Transaction<RunnerTables>,
  uids: readonly string[],
): Promise<{ readonly uid: string; readonly state: OperationStateName }[]> {
  if (uids.length === 0) return [];
  const { rows } = await sql<{ uid: string; state: OperationStateName }>`
    update ${sql.table(`${SCHEMA}.operation`)} o set ${sql.raw(RELEASE)} where o.uid = any(${uids}::text[])
    returning o.uid, o.state`.execute(tx);
  return rows;
}

/** Erases sealed outputs that nobody has fetched within `ageMs`. */
export async function eraseSealedOutputs(db: Kysely<RunnerTables>, ageMs: number): Promise<void> {
  await db
    .updateTable('operation')
    .set({ sealed_output: null })
    .where('sealed_output', 'is not', null)
    .where('end_time', '<=', sql<Date>`now() - ${ageMs}::float8 * interval '1 millisecond'`)
    .execute();
}

/** Deletes up to `count` operations that ended more than `days` ago. Returns how many. */
export async function deleteOldOperations(
  db: Kysely<RunnerTables>,
  days: number,
  count: number,
): Promise<number> {
  const result = await db
    .deleteFrom('operation')
    .where('uid', 'in', (old) =>
      old
        .selectFrom('operation')
        .select('uid')
        .where('end_time', '<', sql<Date>`now() - ${days}::float8 * interval '1 day'`)
        .orderBy('end_time')
        .limit(count)
        .forUpdate()
        .skipLocked(),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Attempts that are on record as running through a replica, with whether their end was asked for. */
export interface RunningRow {
  readonly uid: string;
  readonly attempt: number;
  readonly cancelled: boolean;
}

const LIST_RUNNING = prepareStatement<RunningRow>(`
  select uid, attempt, cancel_time is not null as cancelled from "${SCHEMA}".operation
  where state = 'running' and replica_uid = $1 and lost_time is null`);

export async function listRunning(
  db: Kysely<RunnerTables>,
  replicaUid: string,
): Promise<readonly RunningRow[]> {
  const { rows } = await db.executeQuery(LIST_RUNNING([replicaUid]));
  return rows;
}

/** Notes that attempts of a replica are lost, which it has on record and knows nothing of. */
export async function noteLost(
  db: Kysely<RunnerTables>,
  replicaUid: string,
  attempts: readonly { readonly uid: string; readonly attempt: number }[],
): Promise<void> {
  await sql`
    update ${sql.table(`${SCHEMA}.operation`)} o set lost_time = now()
    from unnest(${attempts.map(({ uid }) => uid)}::text[], ${attempts.map(({ attempt }) => attempt)}::integer[]) as l (uid, attempt)
    where o.uid = l.uid and o.attempt = l.attempt and o.state = 'running' and o.replica_uid = ${replicaUid}
      and o.lost_time is null`.execute(db);
}
