import { prepareStatement } from '@planton/database';
import type { WrappedOrganizationKey } from '@planton/keyring';
import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { actorColumns } from '../audit/audit-record.ts';
import type { Level } from '../level.ts';
import type { ConfigTables } from '../schema.ts';
import type { Target } from './reference.ts';

interface Row {
  /** Index of the query. */
  readonly query: number;
  /** From 1, in the order of the query. */
  readonly position: number;
  readonly kind: Target['kind'];
  readonly slug: string;
  readonly key: string;
  readonly target_uid: string | null;
  readonly secret_uid: string | null;
  readonly version_uid: string | null;
  readonly version: number | null;
  readonly wrapped_data_key: Buffer | null;
  readonly ciphertext: Buffer | null;
  readonly key_version: number | null;
  readonly wrapped_key: Buffer | null;
  readonly master_fingerprint: string | null;
  readonly value: string | null;
  readonly found: boolean;
  readonly recorded: boolean;
}

/** What the service may resolve for an owner: what it registered for it, by the uid that was registered. */
const REGISTERED = `
  select w.query, w.position, r.target_uid as uid
  from wanted w
  join config.reference r on r.owner_uid = w.owner_uid and r.target_kind = w.kind and r.target_slug = w.slug and r.entry_key = w.key
  join config.reference_owner o on o.uid = r.owner_uid and o.organization_uid = w.organization_uid and o.service = w.via_service`;

/** What anybody else may resolve: what is there, by slug. */
const NAMED = `
  select w.query, w.position, coalesce(s.uid, x.uid) as uid
  from wanted w
  left join config.secret s on w.kind = 'secret' and s.slug = w.slug and s.delete_time is null
    and s.organization_uid = w.organization_uid and s.environment_uid = w.environment_uid
  left join config.variable x on w.kind = 'variable' and x.slug = w.slug
    and x.organization_uid = w.organization_uid and x.environment_uid = w.environment_uid`;

/**
 * Resolves every target of every query, and puts the read of each secret on record where nothing at all of its query is missing. One
 * statement whatever their number, so one round trip, and the records are durable before the first row arrives. Prepared, because
 * planning it costs more than running it.
 */
const resolve = (targets: string) =>
  prepareStatement<Row>(`
with asked as (
  select * from json_to_recordset($1::text::json) as given (query integer, organization_uid text, environment_uid text, owner_uid text,
    kinds text[], slugs text[], keys text[], actor_uid text, actor_name text, via_service text, api_key_uid text, environment text,
    request_id text, purpose text, details jsonb, peer_address text)
),
wanted as (
  select a.query, a.organization_uid, a.environment_uid, a.owner_uid, a.via_service, w.kind, w.slug, w.key, w.position
  from asked a, unnest(a.kinds, a.slugs, a.keys) with ordinality as w (kind, slug, key, position)
),
target as (${targets}),
resolved as (
  select w.query, w.position, w.kind, w.slug, w.key, t.uid as target_uid, s.uid as secret_uid, v.uid as version_uid, v.version,
    v.wrapped_data_key, e.ciphertext, k.version as key_version, k.wrapped_key, k.master_fingerprint, x.value,
    (case w.kind when 'secret' then e.ciphertext is not null else x.value is not null end) as found
  from wanted w
  left join target t on t.query = w.query and t.position = w.position
  left join config.secret s on w.kind = 'secret' and s.uid = t.uid and s.organization_uid = w.organization_uid and s.delete_time is null
  left join config.secret_version v on v.secret_uid = s.uid and v.version = s.current_version
  left join config.secret_entry e on e.version_uid = v.uid and e.key = w.key
  left join config.organization_key k on k.organization_uid = v.organization_uid and k.version = v.organization_key_version
  left join config.variable x on w.kind = 'variable' and x.uid = t.uid and x.organization_uid = w.organization_uid
),
read as (
  select gen_random_uuid()::text as record_uid, r.query, r.secret_uid, r.slug, r.version, string_agg(distinct r.key, ',') as entries
  from resolved r
  where r.kind = 'secret' and r.query not in (select missing.query from resolved missing where not missing.found)
  group by r.query, r.secret_uid, r.slug, r.version
),
recorded as (
  insert into config.audit_record (uid, organization_uid, action, actor_uid, actor_name, via_service, api_key_uid, resource_kind,
    resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
  select d.record_uid, a.organization_uid, 'secret.access', a.actor_uid, a.actor_name, a.via_service, a.api_key_uid, 'secret',
    d.secret_uid, d.slug, a.environment, d.version, a.request_id, a.purpose, 'succeeded',
    jsonb_build_object('entries', d.entries) || a.details, a.peer_address
  from read d join asked a on a.query = d.query
  returning uid
)
select r.query, r.position, r.kind, r.slug, r.key, r.target_uid, r.secret_uid, r.version_uid, r.version, r.wrapped_data_key,
  r.ciphertext, r.key_version, r.wrapped_key, r.master_fingerprint, r.value, r.found, c.uid is not null as recorded
from resolved r
left join read d on d.query = r.query and d.secret_uid = r.secret_uid
left join recorded c on c.uid = d.record_uid
order by r.query, r.position`);

const RESOLVE_REGISTERED = resolve(REGISTERED);
const RESOLVE_NAMED = resolve(NAMED);

export interface ResolveQuery {
  readonly level: Level;
  readonly targets: readonly Target[];
  /** Resolves only what `caller.via` registered for this owner; absent for a caller in its own name. */
  readonly ownerUid?: string;
  /** Slug, for the record. */
  readonly environment: string;
  readonly purpose: string;
  readonly caller: Caller;
}

/** Every target in the order of the query; or, if any is missing, only those that are. */
export type Resolved =
  | { readonly kind: 'variable'; readonly slug: string; readonly uid: string; readonly value: string }
  | SealedValue
  | MissingTarget;

export interface SealedValue {
  readonly kind: 'secret';
  readonly slug: string;
  readonly key: string;
  readonly secretUid: string;
  readonly versionUid: string;
  readonly version: number;
  readonly wrappedDataKey: Buffer;
  readonly organizationKey: WrappedOrganizationKey;
  readonly ciphertext: Buffer;
}

/** One missing target means that nothing was put on record, so nothing may be handed out. */
export interface MissingTarget {
  readonly kind: 'missing';
  /** From 0, in the query. */
  readonly index: number;
  readonly target: Target;
  /** `target`: no such secret or variable, or not for this caller; `deleted` after it was registered; `entry`: no such entry. */
  readonly what: 'target' | 'deleted' | 'entry';
}

/** Of queries that are all for owners, or all in their callers' own names. @returns in the order of the queries */
export async function resolveAndRecord(
  db: Kysely<ConfigTables>,
  queries: readonly ResolveQuery[],
): Promise<(readonly Resolved[])[]> {
  const statement = queries[0]?.ownerUid === undefined ? RESOLVE_NAMED : RESOLVE_REGISTERED;
  const { rows } = await db.executeQuery(statement([JSON.stringify(queries.map(columnsOf))]));
  const resolved = Map.groupBy(rows, ({ query }) => query);
  return queries.map((_, query) => readRows(resolved.get(query) ?? []));
}

function columnsOf({ level, targets, ownerUid, environment, purpose, caller }: ResolveQuery, query: number) {
  return {
    query,
    organization_uid: level.organizationUid,
    environment_uid: level.environmentUid,
    owner_uid: ownerUid ?? null,
    kinds: targets.map(({ kind }) => kind),
    slugs: targets.map(({ slug }) => slug),
    keys: targets.map(({ key }) => key),
    ...actorColumns(caller),
    environment,
    purpose,
    details: ownerUid === undefined ? {} : { owner_uid: ownerUid },
  };
}

function readRows(rows: readonly Row[]): readonly Resolved[] {
  const missing = rows.filter((row) => !row.found);
  return missing.length > 0 ? missing.map(readMissing) : rows.map(readFound);
}

function readFound(row: Row): Resolved {
  const { kind, slug, key, target_uid } = row;
  if (target_uid === null) throw new Error('a value was found without its target');
  if (kind === 'variable') return { kind, slug, uid: target_uid, value: row.value ?? '' };
  const { secret_uid, version_uid, version, wrapped_data_key, ciphertext } = row;
  const { key_version, wrapped_key, master_fingerprint } = row;
  if (
    !row.recorded ||
    secret_uid === null ||
    version_uid === null ||
    version === null ||
    wrapped_data_key === null ||
    ciphertext === null ||
    key_version === null ||
    wrapped_key === null ||
    master_fingerprint === null
  ) {
    throw new Error('a value was found without a record of the read, or without its keys');
  }
  return {
    kind,
    slug,
    key,
    secretUid: secret_uid,
    versionUid: version_uid,
    version,
    wrappedDataKey: wrapped_data_key,
    organizationKey: { version: key_version, masterFingerprint: master_fingerprint, wrapped: wrapped_key },
    ciphertext,
  };
}

function readMissing({ position, ...row }: Row): MissingTarget {
  const { kind, slug, key } = row;
  return { kind: 'missing', index: position - 1, target: { kind, slug, key }, what: whatIsMissing(row) };
}

function whatIsMissing(row: Pick<Row, 'target_uid' | 'kind' | 'secret_uid'>): MissingTarget['what'] {
  if (row.target_uid === null) return 'target';
  if (row.kind === 'variable' || row.secret_uid === null) return 'deleted';
  return 'entry';
}
