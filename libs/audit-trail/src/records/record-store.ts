import type { TrailRecord } from '@planton/audit';
import type { AuditOutcomeName } from '@planton/rpc';
import { type ExpressionBuilder, type Kysely, type Selectable, sql } from 'kysely';
import type { AuditRecordTable, AuditTables } from '../tables.ts';

export interface AuditFilter {
  readonly organizationUid: string;
  /** Empty texts and absent values do not filter. */
  readonly action: string;
  readonly resourceSlug: string;
  readonly actorUid: string;
  readonly requestId: string;
  readonly outcome?: AuditOutcomeName | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

export type AuditRow = Selectable<AuditRecordTable>;

/** Newest first, from before `before` on. */
export function listRecords(
  db: Kysely<AuditTables>,
  filter: AuditFilter,
  before: number | undefined,
  limit: number,
): Promise<AuditRow[]> {
  let query = db
    .selectFrom('audit_record')
    .selectAll()
    .where('organization_uid', '=', filter.organizationUid);
  if (filter.action !== '') query = query.where('action', '=', filter.action);
  if (filter.resourceSlug !== '') query = query.where('resource_slug', '=', filter.resourceSlug);
  if (filter.actorUid !== '') query = query.where('actor_uid', '=', filter.actorUid);
  if (filter.requestId !== '') query = query.where('request_id', '=', filter.requestId);
  if (filter.outcome) query = query.where('outcome', '=', filter.outcome);
  if (filter.since) query = query.where('record_time', '>=', filter.since);
  if (filter.until) query = query.where('record_time', '<', filter.until);
  if (before !== undefined) query = query.where('sequence', '<', before);
  return query.orderBy('sequence', 'desc').limit(limit).execute();
}

/** A record as it stands in the table, to the microsecond, and the seal that it says it is under. */
export interface StoredRecord {
  readonly record: TrailRecord;
  readonly sealNumber: number | null;
}

/** Records that no seal covers, in the order of their numbers. */
export async function selectUnsealed(
  db: Kysely<AuditTables>,
  service: string,
  limit: number,
): Promise<StoredRecord[]> {
  const rows = await exactly(db).where('seal_number', 'is', null).orderBy('sequence').limit(limit).execute();
  return rows.map((row) => readRow(service, row));
}

/** Records under the seals from `first` to `last`, seal by seal. */
export async function selectSealed(
  db: Kysely<AuditTables>,
  { service, organization_uid }: { readonly service: string; readonly organization_uid: string },
  range: { readonly first: number; readonly last: number },
  limit: number,
): Promise<StoredRecord[]> {
  const rows = await exactly(db)
    .where('organization_uid', '=', organization_uid)
    .where('seal_number', '>=', range.first)
    .where('seal_number', '<=', range.last)
    .orderBy('seal_number')
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map((row) => readRow(service, row));
}

/** Records that say they are under a seal before the first one or after `last`. */
export async function selectStrays(
  db: Kysely<AuditTables>,
  organizationUid: string,
  last: number,
  limit: number,
): Promise<{ readonly uid: string; readonly seal_number: number | null }[]> {
  return db
    .selectFrom('audit_record')
    .select(['uid', 'seal_number'])
    .where('organization_uid', '=', organizationUid)
    .where('seal_number', 'is not', null)
    .where((eb) => eb.or([eb('seal_number', '<', 1), eb('seal_number', '>', last)]))
    .orderBy('seal_number')
    .limit(limit)
    .execute();
}

export async function countUnsealed(db: Kysely<AuditTables>, organizationUid: string): Promise<number> {
  const { count } = await db
    .selectFrom('audit_record')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('organization_uid', '=', organizationUid)
    .where('seal_number', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}

/** Puts records under seals. */
export async function markSealed(
  db: Kysely<AuditTables>,
  schema: string,
  marks: readonly { readonly uid: string; readonly seal_number: number }[],
): Promise<void> {
  await sql`
    update ${sql.table(`${schema}.audit_record`)} as record set seal_number = given.seal_number
    from json_to_recordset(${JSON.stringify(marks)}::text::json) as given (uid text, seal_number bigint)
    where record.uid = given.uid`.execute(db);
}

/** A time as RFC 3339 to the microsecond; whatever lies outside its years as the database writes it. */
export function exactTime(column: 'record_time' | 'seal_time') {
  const time = sql.ref(column);
  return sql<string>`case when ${time} >= '0001-01-01 00:00:00+00' and ${time} < '10000-01-01 00:00:00+00'
    then to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else ${time}::text end`;
}

function exactly(db: Kysely<AuditTables>) {
  return db
    .selectFrom('audit_record')
    .select([
      'sequence',
      'uid',
      'organization_uid',
      'action',
      'actor_uid',
      'actor_name',
      'via_service',
      'api_key_uid',
      'resource_kind',
      'resource_uid',
      'resource_slug',
      'environment',
      'version',
      'request_id',
      'purpose',
      'outcome',
      'peer_address',
      'seal_number',
    ])
    .select((eb: ExpressionBuilder<AuditTables, 'audit_record'>) => [
      exactTime('record_time').as('time'),
      sql<string>`${eb.ref('details')}::text`.as('details_text'),
    ]);
}

type ExactRow = Awaited<ReturnType<ReturnType<typeof exactly>['execute']>>[number];

function readRow(service: string, row: ExactRow): StoredRecord {
  const { time, details_text, seal_number, ...columns } = row;
  return {
    record: { service, ...columns, record_time: time, details: readDetails(details_text) },
    sealNumber: seal_number,
  };
}

function readDetails(text: string): TrailRecord['details'] {
  const value: unknown = JSON.parse(text);
  const isMap =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((each) => typeof each === 'string');
  return isMap ? (value as Record<string, string>) : text;
}
