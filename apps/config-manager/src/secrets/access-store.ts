import { prepareStatement } from '@planton/database';
import type { WrappedOrganizationKey } from '@planton/keyring';
import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { actorColumns } from '../audit/audit-record.ts';
import type { Level } from '../level.ts';
import type { ConfigTables } from '../schema.ts';

interface Row {
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
  readonly record_uid: string | null;
}

/**
 * Finds a version, and puts the read on record if everything that is asked for is there. One statement, so one round trip, and the
 * record is durable before the first row arrives. Prepared, because planning it costs more than running it.
 */
const ACCESS = prepareStatement<Row>(`
with found as (
  select s.uid as secret_uid, s.slug, s.organization_uid, v.uid as version_uid, v.version, v.destroy_time,
    v.wrapped_data_key, k.version as key_version, k.wrapped_key, k.master_fingerprint
  from config.secret s
  join config.secret_version v on v.secret_uid = s.uid
    and v.version = case when $4::integer = 0 then s.current_version else $4::integer end
  left join config.organization_key k
    on k.organization_uid = v.organization_uid and k.version = v.organization_key_version
  where s.organization_uid = $1 and s.environment_uid = $2 and s.slug = $3 and s.delete_time is null
),
entry as (
  select e.key, case when cardinality($5::text[]) = 0 or e.key = any($5::text[]) then e.ciphertext end as ciphertext
  from found f join config.secret_entry e on e.version_uid = f.version_uid
),
recorded as (
  insert into config.audit_record (organization_uid, action, actor_uid, actor_name, via_service, api_key_uid, resource_kind,
    resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
  select f.organization_uid, 'secret.access', $6, $7, $8, $9, 'secret',
    f.secret_uid, f.slug, $10, f.version, $11, $12, 'succeeded', $13::text::jsonb, $14
  from found f
  where f.destroy_time is null
    and cardinality($5::text[]) = (select count(*) from entry e where e.key = any($5::text[]))
  returning uid
)
select f.secret_uid, f.version_uid, f.version, f.destroy_time, f.wrapped_data_key, f.key_version, f.wrapped_key,
  f.master_fingerprint, e.key, e.ciphertext, (select r.uid from recorded r) as record_uid
from found f left join entry e on true`);

export interface AccessQuery {
  readonly level: Level;
  readonly slug: string;
  /** 0 for the current one. */
  readonly version: number;
  /** Each once; empty for all. */
  readonly keys: readonly string[];
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

export async function readAndRecord(db: Kysely<ConfigTables>, query: AccessQuery): Promise<Accessed> {
  const { level, keys } = query;
  const actor = actorColumns(query.caller);
  const { rows } = await db.executeQuery(
    ACCESS([
      level.organizationUid,
      level.environmentUid,
      query.slug,
      query.version,
      keys,
      actor.actor_uid,
      actor.actor_name,
      actor.via_service,
      actor.api_key_uid,
      query.environment,
      actor.request_id,
      query.purpose,
      JSON.stringify(keys.length > 0 ? { entries: keys.join(',') } : {}),
      actor.peer_address,
    ]),
  );
  return readRows(rows);
}

function readRows(rows: readonly Row[]): Accessed {
  const [first] = rows;
  if (first === undefined) return { kind: 'not_found' };
  const { version, wrapped_data_key, key_version, wrapped_key, master_fingerprint } = first;
  if (first.destroy_time !== null || wrapped_data_key === null) return { kind: 'destroyed', version };
  if (first.record_uid === null) {
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
