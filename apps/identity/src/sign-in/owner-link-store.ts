import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** Makes a link known; one that is known stays as it is. */
export async function insertOwnerLink(
  db: Kysely<IdentityTables>,
  hash: Buffer,
  expireTime: Date,
): Promise<void> {
  await db
    .insertInto('owner_link')
    .values({ hash, expire_time: expireTime })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Whether a link is good, by the clock of the database; undefined where it is not known. */
export async function readOwnerLink(
  db: Kysely<IdentityTables>,
  hash: Buffer,
): Promise<{ readonly good: boolean } | undefined> {
  return await db
    .selectFrom('owner_link')
    .select(sql<boolean>`use_time is null and expire_time > clock_timestamp()`.as('good'))
    .where('hash', '=', hash)
    .executeTakeFirst();
}

/** Uses a link up, and with it every other; false where it was not good any more. */
export async function spendOwnerLink(tx: Kysely<IdentityTables>, hash: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('owner_link')
    .set({ use_time: sql<Date>`now()` })
    .where('hash', '=', hash)
    .where('use_time', 'is', null)
    .where('expire_time', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  await tx
    .updateTable('owner_link')
    .set({ use_time: sql<Date>`now()` })
    .where('use_time', 'is', null)
    .execute();
  return true;
}

/** Links say themselves when they end, so that what is forgotten does not come back. */
export async function forgetOwnerLinks(db: Kysely<IdentityTables>): Promise<void> {
  await db.deleteFrom('owner_link').where('expire_time', '<', sql<Date>`now() - interval '1 day'`).execute();
}
