import { takeTurn } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Level } from '../level.ts';
import type { Place } from '../place.ts';
import type { ConfigTables } from '../schema.ts';
import type { StoredVariable } from './variable.ts';

type Db = Kysely<ConfigTables>;
type Tx = Transaction<ConfigTables>;

export async function findVariable(db: Db, level: Level, slug: string): Promise<StoredVariable | undefined> {
  return selectVariable(db, level, slug).executeTakeFirst();
}

/** Locks the variable, so that its changes come one after another. */
export async function lockVariable(tx: Tx, level: Level, slug: string): Promise<StoredVariable | undefined> {
  return selectVariable(tx, level, slug).forUpdate().executeTakeFirst();
}

function selectVariable(db: Db, level: Level, slug: string) {
  return db
    .selectFrom('variable')
    .selectAll()
    .where('organization_uid', '=', level.organizationUid)
    .where('environment_uid', '=', level.environmentUid)
    .where('slug', '=', slug);
}

/** The variables of one level after a place, by slug. */
export async function listVariableRows(
  db: Db,
  level: Level,
  after: Place | undefined,
  limit: number,
): Promise<StoredVariable[]> {
  let query = db
    .selectFrom('variable')
    .selectAll()
    .where('organization_uid', '=', level.organizationUid)
    .where('environment_uid', '=', level.environmentUid);
  if (after) query = query.where('slug', '>', after.slug);
  return query.orderBy('slug').limit(limit).execute();
}

export interface VariableContent {
  readonly value: string;
  readonly updatedBy: string;
}

/** @returns undefined when another transaction made one of the same slug first */
export async function insertVariable(
  tx: Tx,
  level: Level,
  slug: string,
  uid: string,
  content: VariableContent,
): Promise<StoredVariable | undefined> {
  return tx
    .insertInto('variable')
    .values({
      uid,
      organization_uid: level.organizationUid,
      environment_uid: level.environmentUid,
      slug,
      value: content.value,
      revision: 1,
      updated_by: content.updatedBy,
    })
    .onConflict((conflict) => conflict.constraint('variable_slug').doNothing())
    .returningAll()
    .executeTakeFirst();
}

/** How many variables a level has, with this transaction's, while nobody else makes one there. */
export async function countVariablesInTurn(
  tx: Tx,
  { organizationUid, environmentUid }: Level,
): Promise<number> {
  await takeTurn(tx, `config variables ${organizationUid} ${environmentUid}`);
  const { count } = await tx
    .selectFrom('variable')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('organization_uid', '=', organizationUid)
    .where('environment_uid', '=', environmentUid)
    .executeTakeFirstOrThrow();
  return count;
}

/** Changes a locked variable. */
export async function replaceVariable(
  tx: Tx,
  uid: string,
  content: VariableContent,
): Promise<StoredVariable> {
  return tx
    .updateTable('variable')
    .set({
      value: content.value,
      updated_by: content.updatedBy,
      revision: sql<number>`revision + 1`,
      update_time: sql<Date>`now()`,
    })
    .where('uid', '=', uid)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function removeVariable(tx: Tx, uid: string): Promise<void> {
  await tx.deleteFrom('variable').where('uid', '=', uid).execute();
}
