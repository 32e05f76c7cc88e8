import { prepareStatement } from '@planton/database';
import type { WrappedOrganizationKey } from '@planton/keyring';
import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { actorColumns } from '../audit/audit-record.ts';
import type { Level } from '../level.ts';
import type { ConfigTables } from '../schema.ts';

interface Row {
  /** Index of the query. */
  readonly position: number;
  readonly secret_uid: string;
  readonly version_uid: string;
  readonly version: number;
  readonly destroy_time: Date | null;
  readonly wrapped_data_key: Buffer | null;
  readonly key_version: number | null;
  readonly wrapped_key: Buffer | null;
  readonly master_fingerprint: string | null;
  readonly key: string | null;
  readonly ciphertext: Buffer | null;
  readonly recorded: boolean;
}

/**
 * Finds versions, and puts each read on record if everything that it asks for is there. One statement whatever their number, so one
 * round trip, and the records are durable before the first row arrives. Prepared, because planning it costs more than running it.
 */
const ACCESS = prepareStatement<Row>(`
with asked as (
  select * from json_to_recordset($1::text::json) as given (position integer, organization_uid text, environment_uid text, slug text,
    version integer, keys text[], record_uid text, actor_uid text, actor_name text, via_service text, api_key_uid text,
    environment text, request_id text, purpose text, details jsonb, peer_address text)
),
found as (
  select a.position, a.keys, a.record_uid, s.uid as secret_uid, v.uid as version_uid, v.version, v.destroy_time,
    v.wrapped_data_key, k.version as key_version, k.wrapped_key, k.master_fingerprint
  from asked a
  join config.secret s on s.organization_uid = a.organization_uid and s.environment_uid = a.environment_uid and s.slug = a.slug
    and s.delete_time is null
  join config.secret_version v on v.secret_uid = s.uid
    and v.version = case when a.version = 0 then s.current_version else a.version end
  left join config.organization_key k
    on k.organization_uid = v.organization_uid and k.version = v.organization_key_version
),
recorded as (
  insert into config.audit_record (uid, organization_uid, action, actor_uid, actor_name, via_service, api_key_uid, resource_kind,
    resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
  select a.record_uid, a.organization_uid, 'secret.access', a.actor_uid, a.actor_name, a.via_service, a.api_key_uid, 'secret',
    f.secret_uid, a.slug, a.environment, f.version, a.request_id, a.purpose, 'succeeded', a.details, a.peer_address
  from found f join asked a on a.position = f.position
  where f.destroy_time is null
    and cardinality(f.keys) = (
      select count(*) from config.secret_entry e where e.version_uid = f.version_uid and e.key = any(f.keys))
  returning uid
)
select f.position, f.secret_uid, f.version_uid, f.version, f.destroy_time, f.wrapped_data_key, f.key_version, f.wrapped_key,
  f.master_fingerprint, e.key, case when cardinality(f.keys) = 0 or e.key = any(f.keys) then e.ciphertext end as ciphertext,
  r.uid is not null as recorded
from found f
left join config.secret_entry e on e.version_uid = f.version_uid
left join recorded r on r.uid = f.record_uid`);

export interface AccessQuery {
  readonly level: Level;
  readonly slug: string;
  /** 0 for the current one. */
  readonly version: number;
  /** Each once; empty for all. */
  readonly keys: readonly string[];
  /** Of the record, new. */
  readonly recordUid: string;
  /** Slug, for the record. */
  readonly environment: string;
  readonly purpose: string;
  readonly caller: Caller;
}

export type Accessed =
  | { readonly kind: 'not_found' }
  | { readonly kind: 'destroyed'; readonly version: number }
  /** Some of the keys do not exist; nothing was recorded. */
  | { readonly kind: 'incomplete'; readonly version: number; readonly keys: readonly string[] }
  | RecordedAccess;

export interface RecordedAccess {
  readonly kind: 'recorded';
  readonly secretUid: string;
  readonly versionUid: string;
  readonly version: number;
  readonly wrappedDataKey: Buffer;
  readonly organizationKey: WrappedOrganizationKey;
  readonly entries: readonly { readonly key: string; readonly ciphertext: Buffer }[];
}

/** @returns in the order of the queries */
export async function readAndRecord(
  db: Kysely<ConfigTables>,
  queries: readonly AccessQuery[],
): Promise<Accessed[]> {
  const { rows } = await db.executeQuery(ACCESS([JSON.stringify(queries.map(columnsOf))]));
  const found = Map.groupBy(rows, ({ position }) => position);
  return queries.map((_, position) => readRows(found.get(position) ?? []));
}

function columnsOf(query: AccessQuery, position: number) {
  const { level, slug, version, keys, recordUid, environment, purpose, caller } = query;
  return {
    position,
    organization_uid: level.organizationUid,
    environment_uid: level.environmentUid,
    slug,
    version,
    keys,
    record_uid: recordUid,
    ...actorColumns(caller),
    environment,
    purpose,
    details: keys.length > 0 ? { entries: keys.join(',') } : {},
  };
}

function readRows(rows: readonly Row[]): Accessed {
  const [first] = rows;
  if (first === undefined) return { kind: 'not_found' };
  const { version, wrapped_data_key, key_version, wrapped_key, master_fingerprint } = first;
  if (first.destroy_time !== null || wrapped_data_key === null) return { kind: 'destroyed', version };
  if (!first.recorded) {
    return { kind: 'incomplete', version, keys: rows.flatMap(({ key }) => key ?? []).sort() };
  }
  if (key_version === null || wrapped_key === null || master_fingerprint === null) {
    throw new Error('a data key has no organisation key');
  }
  return {
    kind: 'recorded',
    secretUid: first.secret_uid,
    versionUid: first.version_uid,
    version,
    wrappedDataKey: wrapped_data_key,
    organizationKey: { version: key_version, masterFingerprint: master_fingerprint, wrapped: wrapped_key },
    entries: rows.flatMap(({ key, ciphertext }) =>
      key === null || ciphertext === null ? [] : { key, ciphertext },
    ),
  };
}
