import { takeTurn } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Level } from '../level.ts';
import type { Place } from '../place.ts';
import type { ConfigTables } from '../schema.ts';
import type { SealedVersion } from './seal-version.ts';
import type { Keys, StoredSecret, StoredVersion } from './secret.ts';

type Db = Kysely<ConfigTables>;
type Tx = Transaction<ConfigTables>;

/** Keys of the current version, for a query over `secret as s`. */
const currentKeys = sql<string[]>`array(
  select e.key from config.secret_version v join config.secret_entry e on e.version_uid = v.uid
  where v.secret_uid = s.uid and v.version = s.current_version order by e.key)`.as('keys');

export type DescribedSecret = StoredSecret & { readonly keys: Keys };

export async function findSecret(db: Db, level: Level, slug: string): Promise<DescribedSecret | undefined> {
  return db
    .selectFrom('secret as s')
    .selectAll('s')
    .select(currentKeys)
    .where('s.organization_uid', '=', level.organizationUid)
    .where('s.environment_uid', '=', level.environmentUid)
    .where('s.slug', '=', slug)
    .where('s.delete_time', 'is', null)
    .executeTakeFirst();
}

/** After `lockSecret`, for the answer. */
export async function describeSecret(tx: Tx, uid: string): Promise<DescribedSecret> {
  return tx
    .selectFrom('secret as s')
    .selectAll('s')
    .select(currentKeys)
    .where('s.uid', '=', uid)
    .executeTakeFirstOrThrow();
}

/** The secrets of one level after a place, by slug. */
export async function listSecretRows(
  db: Db,
  level: Level,
  showDeleted: boolean,
  after: Place | undefined,
  limit: number,
): Promise<DescribedSecret[]> {
  let query = db
    .selectFrom('secret as s')
    .selectAll('s')
    .select(currentKeys)
    .where('s.organization_uid', '=', level.organizationUid)
    .where('s.environment_uid', '=', level.environmentUid);
  if (!showDeleted) query = query.where('s.delete_time', 'is', null);
  if (after) query = query.where(sql<boolean>`(s.slug, s.uid) > (${after.slug}, ${after.uid})`);
  return query.orderBy('s.slug').orderBy('s.uid').limit(limit).execute();
}

/** Locks the living secret, so that its changes come one after another. */
export async function lockSecret(tx: Tx, level: Level, slug: string): Promise<StoredSecret | undefined> {
  return tx
    .selectFrom('secret')
    .selectAll()
    .where('organization_uid', '=', level.organizationUid)
    .where('environment_uid', '=', level.environmentUid)
    .where('slug', '=', slug)
    .where('delete_time', 'is', null)
    .forUpdate()
    .executeTakeFirst();
}

/** Locks the secret that people deleted last under the slug; where there is none, the server-owned one that was retired last. */
export async function lockDeletedSecret(
  tx: Tx,
  level: Level,
  slug: string,
): Promise<StoredSecret | undefined> {
  return tx
    .selectFrom('secret')
    .selectAll()
    .where('organization_uid', '=', level.organizationUid)
    .where('environment_uid', '=', level.environmentUid)
    .where('slug', '=', slug)
    .where('delete_time', 'is not', null)
    .orderBy(sql`owner_uid is not null`)
    .orderBy('delete_time', 'desc')
    .orderBy('uid', 'desc')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
}

/** @returns undefined when another transaction made one of the same slug first */
export async function insertSecret(
  tx: Tx,
  level: Level,
  slug: string,
  uid: string,
): Promise<StoredSecret | undefined> {
  return tx
    .insertInto('secret')
    .values({
      uid,
      organization_uid: level.organizationUid,
      environment_uid: level.environmentUid,
      slug,
      current_version: 0,
      owner_uid: null,
      owner_kind: null,
      owner_service: null,
      revision: 0,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['organization_uid', 'environment_uid', 'slug'])
        .where('delete_time', 'is', null)
        .doNothing(),
    )
    .returningAll()
    .executeTakeFirst();
}

/**
 * How many living secrets people have at a level, with this transaction's, while nobody else makes one there. What the server made for
 * their objects does not count.
 */
export async function countSecretsInTurn(
  tx: Tx,
  { organizationUid, environmentUid }: Level,
): Promise<number> {
  await takeTurn(tx, `config secrets ${organizationUid} ${environmentUid}`);
  const { count } = await tx
    .selectFrom('secret')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('organization_uid', '=', organizationUid)
    .where('environment_uid', '=', environmentUid)
    .where('delete_time', 'is', null)
    .where('owner_uid', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}

/** What `openVersion` needs of a version that was not destroyed. */
export interface EncryptedVersion {
  readonly uid: string;
  readonly version: number;
  readonly organizationKeyVersion: number;
  readonly wrappedDataKey: Buffer;
  readonly entries: readonly { readonly key: string; readonly ciphertext: Buffer }[];
}

/** One version with its ciphertexts; `destroyed` when they are gone, undefined when there is none of that number. */
export async function readVersion(
  db: Db,
  secretUid: string,
  version: number,
): Promise<EncryptedVersion | 'destroyed' | undefined> {
  const rows = await db
    .selectFrom('secret_version as v')
    .leftJoin('secret_entry as e', 'e.version_uid', 'v.uid')
    .select([
      'v.uid',
      'v.version',
      'v.organization_key_version',
      'v.wrapped_data_key',
      'e.key',
      'e.ciphertext',
    ])
    .where('v.secret_uid', '=', secretUid)
    .where('v.version', '=', version)
    .execute();
  const [first] = rows;
  if (first === undefined) return undefined;
  if (first.wrapped_data_key === null || first.organization_key_version === null) return 'destroyed';
  return {
    uid: first.uid,
    version: first.version,
    organizationKeyVersion: first.organization_key_version,
    wrappedDataKey: first.wrapped_data_key,
    entries: rows.flatMap(({ key, ciphertext }) =>
      key === null || ciphertext === null ? [] : { key, ciphertext },
    ),
  };
}

export interface NewVersion {
  readonly uid: string;
  readonly version: number;
  readonly sealed: SealedVersion;
  readonly createdBy: string;
  /** Absent unless it repeats an earlier version. */
  readonly rolledBackTo?: number;
}

/** The latest version of a secret, 0 where it has none, and how many are kept. They are counted only where `enough` were ever made. */
export async function countVersions(
  tx: Tx,
  secretUid: string,
  enough: number,
): Promise<{ readonly latest: number; readonly kept: number }> {
  const { latest, kept } = await tx
    .selectFrom((eb) =>
      eb
        .selectFrom('secret_version')
        .select(({ fn }) => fn.max('version').as('latest'))
        .where('secret_uid', '=', secretUid)
        .as('newest'),
    )
    .select('newest.latest')
    .select((eb) =>
      sql<number>`case when newest.latest >= ${enough}::int8 then ${eb
        .selectFrom('secret_version')
        .select(({ fn }) => fn.countAll().as('count'))
        .where('secret_uid', '=', secretUid)
        .where('destroy_time', 'is', null)} else 0 end`.as('kept'),
    )
    .executeTakeFirstOrThrow();
  return { latest: latest ?? 0, kept };
}

/** Gives a locked secret a version. */
export async function addVersion(tx: Tx, secret: StoredSecret, added: NewVersion): Promise<void> {
  await tx
    .insertInto('secret_version')
    .values({
      uid: added.uid,
      secret_uid: secret.uid,
      organization_uid: secret.organization_uid,
      version: added.version,
      wrapped_data_key: added.sealed.wrappedDataKey,
      organization_key_version: added.sealed.organizationKeyVersion,
      rolled_back_to: added.rolledBackTo ?? 0,
      created_by: added.createdBy,
    })
    .execute();
  await tx
    .insertInto('secret_entry')
    .values(added.sealed.entries.map(({ key, ciphertext }) => ({ version_uid: added.uid, key, ciphertext })))
    .execute();
  await reviseSecret(tx, secret.uid, { current_version: added.version });
}

/** Changes a locked secret, and counts the change. */
export async function reviseSecret(
  tx: Tx,
  uid: string,
  change: { readonly current_version?: number; readonly deleted?: boolean } = {},
): Promise<void> {
  const { deleted, ...columns } = change;
  await tx
    .updateTable('secret')
    .set({
      ...columns,
      ...(deleted === undefined ? {} : { delete_time: deleted ? sql<Date>`now()` : null }),
      revision: sql<number>`revision + 1`,
      update_time: sql<Date>`now()`,
    })
    .where('uid', '=', uid)
    .execute();
}

export type DescribedVersion = Omit<StoredVersion, 'wrapped_data_key'> & { readonly keys: Keys };

const versionColumns = [
  'v.uid',
  'v.secret_uid',
  'v.organization_uid',
  'v.version',
  'v.organization_key_version',
  'v.rolled_back_to',
  'v.create_time',
  'v.created_by',
  'v.destroy_time',
] as const;

const versionKeys = sql<
  string[]
>`array(select e.key from config.secret_entry e where e.version_uid = v.uid order by e.key)`.as('keys');

/** The versions below a number, newest first. */
export async function listVersionRows(
  db: Db,
  secretUid: string,
  below: number | undefined,
  limit: number,
): Promise<DescribedVersion[]> {
  let query = db
    .selectFrom('secret_version as v')
    .select(versionColumns)
    .select(versionKeys)
    .where('v.secret_uid', '=', secretUid);
  if (below !== undefined) query = query.where('v.version', '<', below);
  return query.orderBy('v.version', 'desc').limit(limit).execute();
}

export async function findVersion(
  db: Db,
  secretUid: string,
  version: number,
): Promise<DescribedVersion | undefined> {
  return db
    .selectFrom('secret_version as v')
    .select(versionColumns)
    .select(versionKeys)
    .where('v.secret_uid', '=', secretUid)
    .where('v.version', '=', version)
    .executeTakeFirst();
}

/** Erases what could decrypt the version. The names of its entries stay. */
export async function eraseVersion(tx: Tx, versionUid: string): Promise<void> {
  await tx
    .updateTable('secret_version')
    .set({ wrapped_data_key: null, organization_key_version: null, destroy_time: sql<Date>`now()` })
    .where('uid', '=', versionUid)
    .execute();
  await tx
    .updateTable('secret_entry')
    .set({ ciphertext: null })
    .where('version_uid', '=', versionUid)
    .execute();
}
