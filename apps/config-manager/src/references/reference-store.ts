import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { ConfigTables, ReferenceOwnerTable } from '../schema.ts';
import { type Target, targetName, type User } from './reference.ts';

type Db = Kysely<ConfigTables>;
type Tx = Transaction<ConfigTables>;

export type StoredOwner = Selectable<ReferenceOwnerTable>;

/** Who refers to a secret or variable, by kind and slug. */
export async function listUsers(db: Db, targetUid: string): Promise<User[]> {
  return db
    .selectFrom('reference as r')
    .innerJoin('reference_owner as o', 'o.uid', 'r.owner_uid')
    .select(['o.uid', 'o.kind', 'o.slug'])
    .select(sql<boolean>`bool_or(r.confirmed)`.as('confirmed'))
    .where('r.target_uid', '=', targetUid)
    .groupBy(['o.uid', 'o.kind', 'o.slug'])
    .orderBy('o.kind')
    .orderBy('o.slug')
    .execute();
}

export interface OwnerIdentity {
  readonly uid: string;
  readonly kind: string;
  readonly slug: string;
  readonly service: string;
  readonly organizationUid: string;
}

/** Makes the owner if it is new, at revision 0, and locks it, so that its messages are handled one after another. */
export async function lockOwner(tx: Tx, owner: OwnerIdentity): Promise<StoredOwner> {
  await tx
    .insertInto('reference_owner')
    .values({
      uid: owner.uid,
      kind: owner.kind,
      slug: owner.slug,
      service: owner.service,
      organization_uid: owner.organizationUid,
      revision: 0,
      confirmed_revision: 0,
    })
    .onConflict((conflict) => conflict.column('uid').doNothing())
    .execute();
  return tx
    .selectFrom('reference_owner')
    .selectAll()
    .where('uid', '=', owner.uid)
    .forUpdate()
    .executeTakeFirstOrThrow();
}

export async function reviseOwner(
  tx: Tx,
  owner: OwnerIdentity,
  revision: number,
  confirmedRevision: number,
): Promise<void> {
  await tx
    .updateTable('reference_owner')
    .set({
      kind: owner.kind,
      slug: owner.slug,
      revision,
      confirmed_revision: confirmedRevision,
      register_time: sql<Date>`now()`,
    })
    .where('uid', '=', owner.uid)
    .execute();
}

export interface LockedTarget {
  readonly uid: string;
  readonly slug: string;
  /** Of a server-owned secret. */
  readonly owner_uid: string | null;
  readonly owner_kind: string | null;
  readonly owner_service: string | null;
  /** Keys of the current version; none for a variable. */
  readonly keys: readonly string[];
}

/** Locks living organisation-level secrets against deletion until the end of the transaction. By slug. */
export async function lockSecrets(
  tx: Tx,
  organizationUid: string,
  slugs: readonly string[],
): Promise<Map<string, LockedTarget>> {
  if (slugs.length === 0) return new Map();
  const locked = await tx
    .selectFrom('secret')
    .select(['uid', 'slug', 'owner_uid', 'owner_kind', 'owner_service', 'current_version'])
    .where('organization_uid', '=', organizationUid)
    .where('environment_uid', '=', '')
    .where('slug', 'in', slugs)
    .where('delete_time', 'is', null)
    .orderBy('uid')
    .forShare()
    .execute();
  if (locked.length === 0) return new Map();
  const entries = await tx
    .selectFrom('secret as s')
    .innerJoin('secret_version as v', (join) =>
      join.onRef('v.secret_uid', '=', 's.uid').onRef('v.version', '=', 's.current_version'),
    )
    .innerJoin('secret_entry as e', 'e.version_uid', 'v.uid')
    .select(['s.uid', 'e.key'])
    .where(
      's.uid',
      'in',
      locked.map((secret) => secret.uid),
    )
    .orderBy('e.key')
    .execute();
  const keys = Map.groupBy(entries, (entry) => entry.uid);
  return new Map(
    locked.map((secret) => [
      secret.slug,
      { ...secret, keys: (keys.get(secret.uid) ?? []).map((entry) => entry.key) },
    ]),
  );
}

/** Locks organisation-level variables against deletion until the end of the transaction. By slug. */
export async function lockVariables(
  tx: Tx,
  organizationUid: string,
  slugs: readonly string[],
): Promise<Map<string, LockedTarget>> {
  if (slugs.length === 0) return new Map();
  const locked = await tx
    .selectFrom('variable')
    .select(['uid', 'slug'])
    .where('organization_uid', '=', organizationUid)
    .where('environment_uid', '=', '')
    .where('slug', 'in', slugs)
    .orderBy('uid')
    .forShare()
    .execute();
  return new Map(
    locked.map((variable) => [
      variable.slug,
      { ...variable, owner_uid: null, owner_kind: null, owner_service: null, keys: [] },
    ]),
  );
}

export async function listReferences(
  tx: Tx,
  ownerUid: string,
): Promise<(Target & { readonly uid: string })[]> {
  const rows = await tx
    .selectFrom('reference')
    .select(['target_kind', 'target_slug', 'entry_key', 'target_uid'])
    .where('owner_uid', '=', ownerUid)
    .execute();
  return rows.map((row) => ({
    kind: row.target_kind,
    slug: row.target_slug,
    key: row.entry_key,
    uid: row.target_uid,
  }));
}

/** Adds references, unconfirmed; one whose slug was made again takes the new uid. */
export async function addReferences(
  tx: Tx,
  ownerUid: string,
  targets: readonly (Target & { readonly uid: string })[],
): Promise<void> {
  if (targets.length === 0) return;
  await tx
    .insertInto('reference')
    .values(
      targets.map(({ kind, slug, key, uid }) => ({
        owner_uid: ownerUid,
        target_kind: kind,
        target_slug: slug,
        entry_key: key,
        target_uid: uid,
        confirmed: false,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['owner_uid', 'target_kind', 'target_slug', 'entry_key']).doUpdateSet(({ ref }) => ({
        target_uid: ref('excluded.target_uid'),
        confirmed: false,
      })),
    )
    .execute();
}

/** Confirms these references of the owner and removes all others. */
export async function keepReferences(tx: Tx, ownerUid: string, targets: readonly Target[]): Promise<void> {
  const names = targets.map(targetName);
  const name = sql<string>`target_kind || ' ' || target_slug || ' ' || entry_key`;
  await tx
    .deleteFrom('reference')
    .where('owner_uid', '=', ownerUid)
    .where(sql<boolean>`not (${name} = any(${names}::text[]))`)
    .execute();
  await tx.updateTable('reference').set({ confirmed: true }).where('owner_uid', '=', ownerUid).execute();
}

const MOST_UNCONFIRMED = 1000;

/** A service's owners with a registration from before a time that was never confirmed, oldest first. */
export async function listUnconfirmed(db: Db, service: string, before: Date): Promise<StoredOwner[]> {
  return db
    .selectFrom('reference_owner')
    .selectAll()
    .where('service', '=', service)
    .whereRef('confirmed_revision', '<', 'revision')
    .where('register_time', '<', before)
    .orderBy('register_time')
    .limit(MOST_UNCONFIRMED)
    .execute();
}
