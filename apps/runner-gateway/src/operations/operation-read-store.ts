import { prepareStatement } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type OperationStateName, type RunnerTables, SCHEMA } from '../schema.ts';
import type { OperationRow } from './operation.ts';
import { operationColumns, RUNNER_SLUG } from './operation-columns.ts';

/** A step as it is stored. */
export interface StepRow {
  readonly attempt: number;
  readonly sequence: number;
  readonly step: unknown;
}

export interface WatchedOperation extends OperationRow {
  /** The steps of the last attempt, in order. */
  readonly steps: readonly StepRow[];
}

const SELECT = `
  select ${operationColumns('o')}, ${RUNNER_SLUG}
  from "${SCHEMA}".operation o left join "${SCHEMA}".runner r on r.uid = o.runner_uid`;

const READ = prepareStatement<WatchedOperation>(`
  select ${operationColumns('o')}, ${RUNNER_SLUG}, coalesce((
    select jsonb_agg(jsonb_build_object('attempt', s.attempt, 'sequence', s.sequence, 'step', s.step) order by s.sequence)
    from "${SCHEMA}".operation_step s where s.operation_uid = o.uid and s.attempt = o.attempt
  ), '[]') as steps
  from "${SCHEMA}".operation o left join "${SCHEMA}".runner r on r.uid = o.runner_uid
  where o.uid = $1 and o.organization_uid = $2`);

/** An operation of an organisation with the steps of its last attempt; undefined where there is none. */
export async function readOperation(
  db: Kysely<RunnerTables>,
  uid: string,
  organizationUid: string,
): Promise<WatchedOperation | undefined> {
  const { rows } = await db.executeQuery(READ([uid, organizationUid]));
  return rows[0];
}

const READ_ENDED = prepareStatement<OperationRow>(
  `${SELECT} where o.uid = any($1::text[]) and o.end_time is not null`,
);

/** Those of the operations that have ended. */
export async function readEnded(
  db: Kysely<RunnerTables>,
  uids: readonly string[],
): Promise<readonly OperationRow[]> {
  const { rows } = await db.executeQuery(READ_ENDED([uids]));
  return rows;
}

const TAKE_SEALED = prepareStatement<{ readonly sealed_output: Buffer }>(`
  with taken as (select uid, sealed_output from "${SCHEMA}".operation where uid = $1 and sealed_output is not null for update)
  update "${SCHEMA}".operation o set sealed_output = null from taken where o.uid = taken.uid returning taken.sealed_output`);

/** Hands out a sealed output, once: it is erased by the same statement. */
export async function takeSealedOutput(db: Kysely<RunnerTables>, uid: string): Promise<Buffer | undefined> {
  const { rows } = await db.executeQuery(TAKE_SEALED([uid]));
  return rows[0]?.sealed_output;
}

/** Up to where the steps of an operation were read. */
export interface StepPosition {
  readonly uid: string;
  readonly attempt: number;
  readonly sequence: number;
}

const READ_STEPS = prepareStatement<StepRow & { readonly uid: string }>(`
  select s.operation_uid as uid, s.attempt, s.sequence, s.step
  from unnest($1::text[], $2::integer[], $3::integer[]) as p (uid, attempt, sequence)
  join "${SCHEMA}".operation_step s on s.operation_uid = p.uid and (s.attempt, s.sequence) > (p.attempt, p.sequence)
  order by s.operation_uid, s.attempt, s.sequence`);

/** The steps of operations after a position each, in order. */
export async function readStepsAfter(
  db: Kysely<RunnerTables>,
  positions: readonly StepPosition[],
): Promise<readonly (StepRow & { readonly uid: string })[]> {
  const { rows } = await db.executeQuery(
    READ_STEPS([
      positions.map(({ uid }) => uid),
      positions.map(({ attempt }) => attempt),
      positions.map(({ sequence }) => sequence),
    ]),
  );
  return rows;
}

export interface NewStep {
  readonly uid: string;
  readonly attempt: number;
  readonly sequence: number;
  /** Protobuf JSON. */
  readonly step: string;
}

const INSERT_STEPS = prepareStatement(`
  insert into "${SCHEMA}".operation_step (operation_uid, attempt, sequence, step)
  select n.uid, n.attempt, n.sequence, n.step::jsonb
  from unnest($1::text[], $2::integer[], $3::integer[], $4::text[]) as n (uid, attempt, sequence, step)
  join "${SCHEMA}".operation o on o.uid = n.uid
  on conflict do nothing`);

/** Writes steps; those of operations that are no more are dropped. */
export async function insertSteps(db: Kysely<RunnerTables>, steps: readonly NewStep[]): Promise<void> {
  await db.executeQuery(
    INSERT_STEPS([
      steps.map(({ uid }) => uid),
      steps.map(({ attempt }) => attempt),
      steps.map(({ sequence }) => sequence),
      steps.map(({ step }) => step),
    ]),
  );
}

export interface OperationFilter {
  readonly organizationUid: string;
  /** Absent for the operations of every runner. */
  readonly runnerUid: string | undefined;
  /** Empty for every state. */
  readonly states: readonly OperationStateName[];
}

/** Where a page of operations begins: after the operation with this time, in microseconds since the epoch, and uid. */
export interface OperationPosition {
  readonly microseconds: string;
  readonly uid: string;
}

/** Newest first. */
export async function listOperationRows(
  db: Kysely<RunnerTables>,
  filter: OperationFilter,
  after: OperationPosition | undefined,
  limit: number,
): Promise<(OperationRow & { readonly microseconds: string })[]> {
  const where = [sql`o.organization_uid = ${filter.organizationUid}`];
  if (filter.runnerUid !== undefined) where.push(sql`o.runner_uid = ${filter.runnerUid}`);
  if (filter.states.length > 0) where.push(sql`o.state = any(${filter.states}::text[])`);
  if (after) {
    const time = sql`to_timestamp(0) + ${after.microseconds}::bigint * interval '1 microsecond'`;
    where.push(sql`(o.create_time < ${time} or (o.create_time = ${time} and o.uid > ${after.uid}))`);
  }
  const { rows } = await sql<OperationRow & { readonly microseconds: string }>`
    select ${sql.raw(operationColumns('o'))}, ${sql.raw(RUNNER_SLUG)},
      (extract(epoch from o.create_time) * 1000000)::bigint::text as microseconds
    from ${sql.table(`${SCHEMA}.operation`)} o left join ${sql.table(`${SCHEMA}.runner`)} r on r.uid = o.runner_uid
    where ${sql.join(where, sql` and `)}
    order by o.create_time desc, o.uid limit ${limit}`.execute(db);
  return rows;
}

export interface CancelledOperation extends OperationRow {
  /** Whether this call changed anything. */
  readonly changed: boolean;
  /** The replica that the attempt runs through; null where none does. */
  readonly replica_uid: string | null;
}

/** Ends what waits, and notes for what runs that its end was asked for. Undefined where the organisation has no such operation. */
export async function cancelOperationRow(
  tx: Transaction<RunnerTables>,
  uid: string,
  organizationUid: string,
  error: string,
): Promise<CancelledOperation | undefined> {
  const operation = sql.table(`${SCHEMA}.operation`);
  const { rows: before } = await sql<{ state: OperationStateName; asked: boolean }>`
    select state, cancel_time is not null as asked from ${operation}
    where uid = ${uid} and organization_uid = ${organizationUid} for update`.execute(tx);
  const [found] = before;
  if (!found) return undefined;
  if (found.state === 'queued') {
    await sql`update ${operation} set state = 'cancelled', cancel_time = now(), end_time = now(), payload = null,
      error = ${error}::jsonb where uid = ${uid}`.execute(tx);
  } else if (found.state === 'running' && !found.asked) {
    await sql`update ${operation} set cancel_time = now() where uid = ${uid}`.execute(tx);
  }
  const { rows } = await sql<OperationRow & { replica_uid: string | null }>`
    ${sql.raw(SELECT.replace('select ', 'select o.replica_uid, '))} where o.uid = ${uid}`.execute(tx);
  const changed = found.state === 'queued' || (found.state === 'running' && !found.asked);
  return rows[0] && { ...rows[0], changed };
}
