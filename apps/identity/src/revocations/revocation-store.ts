import type { RevocationSnapshot } from '@planton/rpc';
import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/**
 * Makes every token of the subjects that was issued until now worthless, when the transaction commits. A subject is a user,
 * service account, API key or environment.
 *
 * Call it after the lock of `lockSubject`: a token is issued under the other side of that lock, so none slips in between
 * this moment and the commit. Tokens count milliseconds, so the next one is the first that is good again.
 */
export async function revoke(tx: Kysely<IdentityTables>, subjectUids: readonly string[]): Promise<void> {
  await tx
    .insertInto('revocation')
    .columns(['subject_uid', 'not_before'])
    .expression(
      sql`select subject_uid, date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond'
        from unnest(${[...subjectUids].sort()}::text[]) as subject_uid`,
    )
    .onConflict((conflict) =>
      conflict.column('subject_uid').doUpdateSet({
        not_before: sql`greatest(revocation.not_before, excluded.not_before)`,
      }),
    )
    .execute();
}

/** The revocations that can still matter to a living token, which lives half as long. */
export async function listRevocations(db: Kysely<IdentityTables>): Promise<RevocationSnapshot> {
  const rows = await db
    .selectFrom('revocation')
    .select(['subject_uid', 'not_before'])
    .where('not_before', '>', sql<Date>`now() - interval '10 minutes'`)
    .execute();
  return new Map(rows.map((row) => [row.subject_uid, row.not_before.getTime()]));
}

/** Forgets the revocations that matter no more. */
export async function forgetRevocations(db: Kysely<IdentityTables>): Promise<void> {
  await db.deleteFrom('revocation').where('not_before', '<', sql<Date>`now() - interval '1 hour'`).execute();
}
