import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** Seconds that a program may act for a person before that person signs in again, however often it refreshes. */
const GRANT_S = 90 * 24 * 3600;

/** Seconds without a refresh after which a grant ends. */
const IDLE_S = 30 * 24 * 3600;

/** Seconds that an access credential lives. */
export const ACCESS_S = 3600;

/** Hashes of a new pair. */
export interface Pair {
  readonly access: Buffer;
  readonly refresh: Buffer;
}

export interface Grant {
  readonly uid: string;
  readonly subjectUid: string;
  readonly label: string;
}

/** Begins a grant with its first pair. */
export async function insertGrant(tx: Kysely<IdentityTables>, grant: Grant, pair: Pair): Promise<void> {
  await tx
    .insertInto('session_grant')
    .values({
      uid: grant.uid,
      subject_uid: grant.subjectUid,
      label: grant.label,
      expire_time: sql<Date>`now() + make_interval(secs => ${GRANT_S})`,
    })
    .execute();
  await insertPair(tx, grant.uid, pair);
}

/** The next pair; access credentials that ended are forgotten, those that live stay for calls under way. */
export async function insertPair(
  tx: Kysely<IdentityTables>,
  grantUid: string,
  { access, refresh }: Pair,
): Promise<void> {
  await tx
    .deleteFrom('session_access')
    .where('grant_uid', '=', grantUid)
    .where('expire_time', '<', sql<Date>`now()`)
    .execute();
  await tx
    .insertInto('session_access')
    .values({
      hash: access,
      grant_uid: grantUid,
      expire_time: sql<Date>`now() + make_interval(secs => ${ACCESS_S})`,
    })
    .execute();
  await tx.insertInto('session_refresh').values({ hash: refresh, grant_uid: grantUid }).execute();
}

/** The grant of a refresh credential, locked, and whether that may still be used. Of an unknown one nothing. */
export async function lockRefresh(
  tx: Kysely<IdentityTables>,
  hash: Buffer,
): Promise<(Grant & { readonly living: boolean; readonly spent: boolean }) | undefined> {
  const locked = await tx
    .selectFrom('session_grant')
    .select('uid')
    .where('uid', '=', (eb) => eb.selectFrom('session_refresh').select('grant_uid').where('hash', '=', hash))
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!locked) return undefined;
  const row = await tx
    .selectFrom('session_refresh')
    .innerJoin('session_grant', 'session_grant.uid', 'session_refresh.grant_uid')
    .innerJoin('subject', 'subject.uid', 'session_grant.subject_uid')
    .select(['session_grant.uid', 'session_grant.subject_uid', 'session_grant.label'])
    .select([
      sql<boolean>`session_refresh.spend_time is not null`.as('spent'),
      sql<boolean>`session_grant.revoke_time is null and subject.delete_time is null and subject.disable_time is null
        and session_grant.expire_time > clock_timestamp()
        and session_refresh.create_time > clock_timestamp() - make_interval(secs => ${IDLE_S})`.as('living'),
    ])
    .where('session_refresh.hash', '=', hash)
    .executeTakeFirst();
  return (
    row && {
      uid: row.uid,
      subjectUid: row.subject_uid,
      label: row.label,
      living: row.living,
      spent: row.spent,
    }
  );
}

export async function spendRefresh(tx: Kysely<IdentityTables>, hash: Buffer): Promise<void> {
  await tx
    .updateTable('session_refresh')
    .set({ spend_time: sql<Date>`now()` })
    .where('hash', '=', hash)
    .execute();
}

/** The grant of either of its credentials. */
export async function findGrantBy(
  db: Kysely<IdentityTables>,
  table: 'session_access' | 'session_refresh',
  hash: Buffer,
): Promise<Grant | undefined> {
  const row = await db
    .selectFrom('session_grant')
    .select(['uid', 'subject_uid', 'label'])
    .where('uid', '=', (eb) => eb.selectFrom(table).select('grant_uid').where('hash', '=', hash))
    .executeTakeFirst();
  return row && { uid: row.uid, subjectUid: row.subject_uid, label: row.label };
}

/** Ends a grant; false when it had ended before. */
export async function endGrant(tx: Kysely<IdentityTables>, uid: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('session_grant')
    .set({ revoke_time: sql<Date>`now()` })
    .where('uid', '=', uid)
    .where('revoke_time', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends every grant of a person; answers their uids, which are to be revoked. */
export async function endGrantsOf(tx: Kysely<IdentityTables>, subjectUid: string): Promise<string[]> {
  const ended = await tx
    .updateTable('session_grant')
    .set({ revoke_time: sql<Date>`now()` })
    .where('subject_uid', '=', subjectUid)
    .where('revoke_time', 'is', null)
    .returning('uid')
    .execute();
  return ended.map(({ uid }) => uid);
}

/** Forgets the grants that ended, a day later, so that a credential that is used again is still known for what it is. */
export async function forgetGrants(db: Kysely<IdentityTables>): Promise<void> {
  await db
    .deleteFrom('session_grant')
    .where((eb) =>
      eb.or([
        eb('expire_time', '<', sql<Date>`now() - interval '1 day'`),
        eb('revoke_time', '<', sql<Date>`now() - interval '1 day'`),
      ]),
    )
    .execute();
}
