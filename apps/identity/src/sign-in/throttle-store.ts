import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** How failures are answered: so many without a pause, then one that doubles with each, up to the longest. */
export interface Throttle {
  readonly key: string;
  readonly free: number;
  readonly longestSeconds: number;
}

/** What comes of asking for a try. */
export interface Try {
  /** Seconds until the next one is looked at; 0 where this one is. */
  readonly wait: number;
  /** Seconds of the pause that begins with this one unless it is forgiven; 0 for none, and where it is not looked at. */
  readonly pause: number;
}

/** Seconds without a failure after which they are forgotten. */
const FORGOTTEN_AFTER_S = 3600;

/**
 * Lets a try be looked at, and counts it as a failure beforehand, at once for many that come together: `forgiveFailure` takes it back when
 * it was none.
 */
export async function takeTry(
  db: Kysely<IdentityTables>,
  { key, free, longestSeconds }: Throttle,
): Promise<Try> {
  const clock = sql<Date>`clock_timestamp()`;
  const quiet = sql<boolean>`sign_in_failure.last_time < clock_timestamp() - make_interval(secs => ${FORGOTTEN_AFTER_S})`;
  const failures = sql<number>`case when ${quiet} then 1 else sign_in_failure.failures + 1 end`;
  const pause = sql<number>`case when ${failures} <= ${free}::int8 then 0
    else least(${longestSeconds}::float8, power(2, least(${failures} - ${free}::int8, 30))) end`;
  const taken = await db
    .insertInto('sign_in_failure')
    .values({ key, failures: 1, last_time: clock, blocked_until: clock })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet({
          failures,
          last_time: clock,
          blocked_until: sql<Date>`clock_timestamp() + make_interval(secs => ${pause})`,
        })
        .where('sign_in_failure.blocked_until', '<=', clock),
    )
    .returning(sql<number>`round(extract(epoch from blocked_until - last_time))::int8`.as('pause'))
    .executeTakeFirst();
  return taken ? { wait: 0, pause: taken.pause } : { wait: await readPause(db, key), pause: 0 };
}

async function readPause(db: Kysely<IdentityTables>, key: string): Promise<number> {
  const row = await db
    .selectFrom('sign_in_failure')
    .select(sql<number>`ceil(extract(epoch from blocked_until - clock_timestamp()))::int8`.as('seconds'))
    .where('key', '=', key)
    .executeTakeFirst();
  return Math.max(1, row?.seconds ?? 1);
}

/** Forgets the failures of an account that its owner has signed in to. */
export async function forgetFailures(db: Kysely<IdentityTables>, key: string): Promise<void> {
  await db.deleteFrom('sign_in_failure').where('key', '=', key).execute();
}

/** Takes one failure back, and the pause that it brought. */
export async function forgiveFailure(db: Kysely<IdentityTables>, key: string): Promise<void> {
  await db
    .updateTable('sign_in_failure')
    .set({ failures: sql`greatest(failures - 1, 0)`, blocked_until: sql<Date>`now()` })
    .where('key', '=', key)
    .execute();
}

export async function forgetOldFailures(db: Kysely<IdentityTables>): Promise<void> {
  await db
    .deleteFrom('sign_in_failure')
    .where('last_time', '<', sql<Date>`now() - make_interval(secs => ${FORGOTTEN_AFTER_S})`)
    .execute();
}
