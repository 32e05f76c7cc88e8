import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { RunnerRow } from '../runners/runner.ts';
import type { ReferenceOwnerTable, RunnerTables } from '../schema.ts';
import type { User } from './reference.ts';

type Db = Kysely<RunnerTables>;
type Tx = Transaction<RunnerTables>;

export type StoredOwner = Selectable<ReferenceOwnerTable>;

/** Who uses a runner, by kind and slug, and how many there are in all. */
export async function listUsers(
  db: Db,
  runnerUid: string,
  limit: number,
): Promise<{ readonly users: readonly User[]; readonly count: number }> {
  const rows = await db
    .selectFrom('runner_reference as r')
    .innerJoin('reference_owner as o', 'o.uid', 'r.owner_uid')
    .select(['o.uid', 'o.kind', 'o.slug'])
    .select([
      sql<boolean>`o.confirmed_revision >= o.revision`.as('confirmed'),
      sql<number>`count(*) over ()`.as('count'),
    ])
    .where('r.runner_uid', '=', runnerUid)
    .orderBy('o.kind')
    .orderBy('o.slug')
    .orderBy('o.uid')
    .limit(limit)
    .execute();
  return { users: rows, count: rows[0]?.count ?? 0 };
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

/** Locks runners against deletion and revocation until the end of the transaction. By slug. */
export async function lockTargets(
  tx: Tx,
  organizationUid: string,
  slugs: readonly string[],
): Promise<ReadonlyMap<string, RunnerRow>> {
  if (slugs.length === 0) return new Map();
  const locked = await tx
    .selectFrom('runner')
    .selectAll()
    .where('organization_uid', '=', organizationUid)
    .where('slug', 'in', slugs)
    .orderBy('uid')
    .forShare()
    .execute();
  return new Map(locked.map((runner) => [runner.slug, runner]));
}

/** Uids of the runners that the owner has registered. */
export async function listTargets(tx: Tx, ownerUid: string): Promise<ReadonlySet<string>> {
  const rows = await tx
    .selectFrom('runner_reference')
    .select('runner_uid')
    .where('owner_uid', '=', ownerUid)
    .execute();
  return new Set(rows.map(({ runner_uid }) => runner_uid));
}

export async function addTargets(tx: Tx, ownerUid: string, runnerUids: readonly string[]): Promise<void> {
  if (runnerUids.length === 0) return;
  await tx
    .insertInto('runner_reference')
    .values(runnerUids.map((runner_uid) => ({ owner_uid: ownerUid, runner_uid })))
    .execute();
}

/** Removes all references of the owner but these. */
export async function keepTargets(tx: Tx, ownerUid: string, runnerUids: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('runner_reference')
    .where('owner_uid', '=', ownerUid)
    .where(sql<boolean>`not (runner_uid = any(${runnerUids}::text[]))`)
    .execute();
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
