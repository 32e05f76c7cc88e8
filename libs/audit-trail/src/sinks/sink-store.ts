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

/** How far sinks are behind, by name. One that was never taken by any replica is missing. */
export async function selectLags(
  db: Kysely<AuditTables>,
  names: readonly string[],
): Promise<{ readonly name: string; readonly seals: number; readonly seconds: number }[]> {
  const age = sql<number>`greatest(0, floor(extract(epoch from clock_timestamp() - seal_time)))::int8`;
  const rows = await db
    .selectFrom('audit_sink as sink')
    .select((eb) => [
      'sink.name',
      'sink.position',
      eb
        .selectFrom('audit_seal')
        .select(({ fn }) => fn.max('position').as('last'))
        .as('last'),
      eb
        .selectFrom('audit_seal as seal')
        .select(age.as('age'))
        .whereRef('seal.position', '>', 'sink.position')
        .orderBy('seal.position')
        .limit(1)
        .as('seconds'),
    ])
    .where('sink.name', 'in', [...names])
    .execute();
  return rows.map(({ name, position, last, seconds }) => ({
    name,
    seals: Math.max(0, (last ?? 0) - position),
    seconds: seconds ?? 0,
  }));
}

export async function leaveSink(db: Kysely<AuditTables>, name: string, owner: string): Promise<void> {
  await db
    .updateTable('audit_sink')
    .set({ lease_time: sql`'-infinity'` })
    .where('name', '=', name)
    .where('lease_owner', '=', owner)
    .execute();
}
