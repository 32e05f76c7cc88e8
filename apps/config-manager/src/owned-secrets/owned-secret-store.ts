import { prepareStatement } from '@planton/database';
import type { Caller } from '@planton/rpc';
import { type Kysely, sql, type Transaction } from 'kysely';
import { actorColumns } from '../audit/audit-record.ts';
import type { SealedValue } from '../references/resolve-store.ts';
import type { ConfigTables } from '../schema.ts';
import type { StoredSecret } from '../secrets/secret.ts';
import { type SecretOwner, VALUE_KEY } from './owned-secret.ts';

type Tx = Transaction<ConfigTables>;

/** Locks a secret, living or not, so that its end and what looks at it come one after another. */
export async function lockSecretByUid(tx: Tx, uid: string): Promise<StoredSecret | undefined> {
  return tx.selectFrom('secret').selectAll().where('uid', '=', uid).forUpdate().executeTakeFirst();
}

export interface NewOwnedSecret {
  readonly uid: string;
  readonly slug: string;
  readonly owner: SecretOwner;
  readonly ownerKind: string;
}

/** @returns undefined when there is one of the same uid, or a living one of the same slug */
export async function insertOwnedSecret(
  tx: Tx,
  { uid, slug, owner, ownerKind }: NewOwnedSecret,
): Promise<StoredSecret | undefined> {
  return tx
    .insertInto('secret')
    .values({
      uid,
      organization_uid: owner.organizationUid,
      environment_uid: '',
      slug,
      current_version: 0,
      owner_uid: owner.ownerUid,
      owner_kind: ownerKind,
      owner_service: owner.service,
      revision: 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** Erases what could decrypt any version of a locked secret. The names of entries stay. */
export async function eraseVersions(tx: Tx, secretUid: string): Promise<void> {
  await tx
    .updateTable('secret_version')
    .set({ wrapped_data_key: null, organization_key_version: null, destroy_time: sql<Date>`now()` })
    .where('secret_uid', '=', secretUid)
    .where('destroy_time', 'is', null)
    .execute();
  await tx
    .updateTable('secret_entry')
    .set({ ciphertext: null })
    .where('version_uid', 'in', ({ selectFrom }) =>
      selectFrom('secret_version').select('secret_version.uid').where('secret_uid', '=', secretUid),
    )
    .execute();
}

interface Row {
  readonly slug: string;
  readonly version_uid: string;
  readonly version: number;
  readonly wrapped_data_key: Buffer;
  readonly ciphertext: Buffer;
  readonly key_version: number;
  readonly wrapped_key: Buffer;
  readonly master_fingerprint: string;
  readonly record_uid: string | null;
}

/** Finds the value for exactly its owner, and puts the read on record: in one statement, so the record is durable before the row arrives. */
const ACCESS = prepareStatement<Row>(`
with found as (
  select s.uid as secret_uid, s.slug, v.uid as version_uid, v.version, v.wrapped_data_key, e.key, e.ciphertext,
    k.version as key_version, k.wrapped_key, k.master_fingerprint
  from config.secret s
  join config.secret_version v on v.secret_uid = s.uid and v.version = s.current_version and v.destroy_time is null
  join config.secret_entry e on e.version_uid = v.uid and e.key = $5 and e.ciphertext is not null
  join config.organization_key k on k.organization_uid = v.organization_uid and k.version = v.organization_key_version
  where s.uid = $1 and s.organization_uid = $2 and s.owner_service = $3 and s.owner_uid = $4 and s.delete_time is null
),
recorded as (
  insert into config.audit_record (organization_uid, action, actor_uid, actor_name, via_service, api_key_uid, resource_kind,
    resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
  select $2, 'secret.access', $6, $7, $8, $9, 'secret', f.secret_uid, f.slug, '', f.version, $10, $11, 'succeeded',
    jsonb_build_object('entries', f.key, 'owner_uid', $4::text), $12
  from found f
  returning uid
)
select f.slug, f.version_uid, f.version, f.wrapped_data_key, f.ciphertext, f.key_version, f.wrapped_key, f.master_fingerprint,
  (select r.uid from recorded r) as record_uid
from found f`);

/** @returns undefined, and nothing is on record, unless a living secret of this uid is the owner's */
export async function accessAndRecord(
  db: Kysely<ConfigTables>,
  secretUid: string,
  owner: SecretOwner,
  read: { readonly caller: Caller; readonly purpose: string },
): Promise<SealedValue | undefined> {
  const actor = actorColumns(read.caller);
  const { rows } = await db.executeQuery(
    ACCESS([
      secretUid,
      owner.organizationUid,
      owner.service,
      owner.ownerUid,
      VALUE_KEY,
      actor.actor_uid,
      actor.actor_name,
      actor.via_service,
      actor.api_key_uid,
      actor.request_id,
      read.purpose,
      actor.peer_address,
    ]),
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  if (row.record_uid === null) throw new Error('a value was found without a record of the read');
  return {
    kind: 'secret',
    slug: row.slug,
    key: VALUE_KEY,
    secretUid,
    versionUid: row.version_uid,
    version: row.version,
    wrappedDataKey: row.wrapped_data_key,
    organizationKey: {
      version: row.key_version,
      masterFingerprint: row.master_fingerprint,
      wrapped: row.wrapped_key,
    },
    ciphertext: row.ciphertext,
  };
}
