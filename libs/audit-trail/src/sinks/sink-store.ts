import { type Kysely, sql } from 'kysely';
import type { AuditTables } from '../tables.ts';

/**
 * Takes a sink for a while, or keeps it: one replica delivers at a time.
 *
 * @returns the position up to which everything was delivered; undefined where another replica has the sink
 */
export async function takeSink(
  db: Kysely<AuditTables>,
  name: string,
  owner: string,
  leaseMs: number,
): Promise<number | undefined> {
  await db
    .insertInto('audit_sink')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const taken = await db
    .updateTable('audit_sink')
    .set({
      lease_owner: owner,
      lease_time: sql`clock_timestamp() + ${leaseMs}::integer * interval '1 millisecond'`,
    })
    .where('name', '=', name)
    .where((eb) =>
      eb.or([eb('lease_owner', '=', owner), eb('lease_time', '<', sql<Date>`clock_timestamp()`)]),
    )
    .returning('position')
    .executeTakeFirst();
  return taken?.position;
}

/** Notes what was delivered. False where another replica has taken the sink meanwhile; it delivers the same again. */
export async function noteDelivered(
  db: Kysely<AuditTables>,
  name: string,
  owner: string,
  position: number,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('audit_sink')
    .set({ position, deliver_time: sql`clock_timestamp()` })
    .where('name', '=', name)
    .where('lease_owner', '=', owner)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function leaveSink(db: Kysely<AuditTables>, name: string, owner: string): Promise<void> {
  await db
    .updateTable('audit_sink')
    .set({ lease_time: sql`'-infinity'` })
    .where('name', '=', name)
    .where('lease_owner', '=', owner)
    .execute();
}
