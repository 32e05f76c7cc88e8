import type { Engine } from '@planton/database';
import type { WrappedOrganizationKey } from '@planton/keyring';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type ConfigTables, SCHEMA } from '../schema.ts';

type Db = Kysely<ConfigTables>;

/** The foreign key that keeps an organisation key while a data key is wrapped by it. */
export const KEY_IN_USE = 'secret_version_organization_key';

/** The keys of an organisation, oldest first: one, or more while a rotation is under way. */
export async function listOrganizationKeys(
  db: Db,
  organizationUid: string,
): Promise<WrappedOrganizationKey[]> {
  const rows = await db
    .selectFrom('organization_key')
    .select(['version', 'wrapped_key', 'master_fingerprint'])
    .where('organization_uid', '=', organizationUid)
    .orderBy('version')
    .execute();
  return rows.map((row) => ({
    version: row.version,
    masterFingerprint: row.master_fingerprint,
    wrapped: row.wrapped_key,
  }));
}

/** @returns whether it was stored: false when another has the same version */
export async function insertOrganizationKey(
  db: Db,
  organizationUid: string,
  key: WrappedOrganizationKey,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('organization_key')
    .values({
      organization_uid: organizationUid,
      version: key.version,
      wrapped_key: Buffer.from(key.wrapped),
      master_fingerprint: key.masterFingerprint,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** Versions of the keys that went. Fails on the foreign key when one came into use meanwhile. */
export async function deleteUnusedKeys(
  tx: Transaction<ConfigTables>,
  organizationUid: string,
  below: number,
): Promise<number[]> {
  const rows = await tx
    .deleteFrom('organization_key')
    .where('organization_uid', '=', organizationUid)
    .where('version', '<', below)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('secret_version')
            .select('secret_version.uid')
            .whereRef('secret_version.organization_uid', '=', 'organization_key.organization_uid')
            .whereRef('secret_version.organization_key_version', '=', 'organization_key.version'),
        ),
      ),
    )
    .returning('version')
    .execute();
  return rows.map((row) => row.version);
}

export interface StoredDataKey {
  readonly versionUid: string;
  readonly secretUid: string;
  readonly slug: string;
  readonly version: number;
  readonly keyVersion: number;
  readonly wrapped: Buffer;
}

/** Data keys that an organisation key below `target` wraps, in the order of their uids. */
export async function listOldDataKeys(
  db: Db,
  organizationUid: string,
  target: number,
  afterUid: string,
  limit: number,
): Promise<StoredDataKey[]> {
  const rows = await db
    .selectFrom('secret_version as v')
    .innerJoin('secret as s', 's.uid', 'v.secret_uid')
    .select([
      'v.uid',
      'v.secret_uid',
      's.slug',
      'v.version',
      'v.organization_key_version',
      'v.wrapped_data_key',
    ])
    .where('v.organization_uid', '=', organizationUid)
    .where('v.organization_key_version', '<', target)
    .where('v.wrapped_data_key', 'is not', null)
    .where('v.uid', '>', afterUid)
    .orderBy('v.uid')
    .limit(limit)
    .execute();
  return rows.flatMap((row) =>
    row.organization_key_version === null || row.wrapped_data_key === null
      ? []
      : {
          versionUid: row.uid,
          secretUid: row.secret_uid,
          slug: row.slug,
          version: row.version,
          keyVersion: row.organization_key_version,
          wrapped: row.wrapped_data_key,
        },
  );
}

/** Replaces those that are still as they were read. @returns how many */
export async function replaceDataKeys(
  db: Db,
  target: number,
  keys: readonly { readonly versionUid: string; readonly from: number; readonly wrapped: Buffer }[],
): Promise<number> {
  if (keys.length === 0) return 0;
  const uids = keys.map((key) => key.versionUid);
  const wrapped = keys.map((key) => key.wrapped.toString('base64'));
  const from = keys.map((key) => key.from);
  const { numUpdatedRows } = await db
    .updateTable('secret_version')
    .from(
      sql<{ version_uid: string; wrapped: string; key_version: number }>`
        unnest(${uids}::text[], ${wrapped}::text[], ${from}::integer[])`.as<'fresh'>(
        sql`fresh(version_uid, wrapped, key_version)`,
      ),
    )
    .set({
      wrapped_data_key: sql<Buffer>`decode(fresh.wrapped, 'base64')`,
      organization_key_version: target,
    })
    .whereRef('secret_version.uid', '=', 'fresh.version_uid')
    .whereRef('secret_version.organization_key_version', '=', 'fresh.key_version')
    .where('secret_version.wrapped_data_key', 'is not', null)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** The fingerprint of the master key that the data are prepared for; undefined before the first start. */
export async function readMasterFingerprint(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('master_key').select('fingerprint').executeTakeFirst();
  return row?.fingerprint;
}

/** Keeps a fingerprint that is there already. */
export async function insertMasterFingerprint(db: Db, fingerprint: string): Promise<void> {
  await db
    .insertInto('master_key')
    .values({ fingerprint })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function replaceMasterFingerprint(db: Db, from: string, to: string): Promise<void> {
  await db.updateTable('master_key').set({ fingerprint: to }).where('fingerprint', '=', from).execute();
}

export interface ForeignOrganizationKey {
  readonly organizationUid: string;
  readonly key: WrappedOrganizationKey;
}

/** Organisation keys that another master key wraps. */
export async function listForeignKeys(
  db: Db,
  masterFingerprint: string,
  limit: number,
): Promise<ForeignOrganizationKey[]> {
  const rows = await db
    .selectFrom('organization_key')
    .select(['organization_uid', 'version', 'wrapped_key', 'master_fingerprint'])
    .where('master_fingerprint', '<>', masterFingerprint)
    .orderBy('organization_uid')
    .orderBy('version')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    organizationUid: row.organization_uid,
    key: { version: row.version, masterFingerprint: row.master_fingerprint, wrapped: row.wrapped_key },
  }));
}

/** Replaces the wrapping of one key, unless somebody else has. */
export async function replaceOrganizationKey(
  db: Db,
  { organizationUid, key }: ForeignOrganizationKey,
  fresh: WrappedOrganizationKey,
): Promise<void> {
  await db
    .updateTable('organization_key')
    .set({ wrapped_key: Buffer.from(fresh.wrapped), master_fingerprint: fresh.masterFingerprint })
    .where('organization_uid', '=', organizationUid)
    .where('version', '=', key.version)
    .where('master_fingerprint', '=', key.masterFingerprint)
    .execute();
}

/** Whether the schema has been made at all. */
export async function hasMasterKeyTable({ kysely }: Pick<Engine, 'kysely'>): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    select to_regclass(${`${SCHEMA}.master_key`}) is not null as found`.execute(kysely);
  return rows[0]?.found === true;
}
