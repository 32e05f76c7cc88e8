import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import type { Person } from '../sign-in/person-store.ts';

/** Seconds that a link for a new password is good. */
const PASSWORD_LINK_S = 24 * 3600;

/** Makes a link known, in place of an earlier one of the account; answers when it ends. */
export async function putPasswordLink(
  tx: Kysely<IdentityTables>,
  subjectUid: string,
  hash: Buffer,
): Promise<Date> {
  const link = { hash, expire_time: sql<Date>`now() + make_interval(secs => ${PASSWORD_LINK_S})` };
  const { expire_time } = await tx
    .insertInto('password_link')
    .values({ subject_uid: subjectUid, ...link })
    .onConflict((conflict) => conflict.column('subject_uid').doUpdateSet(link))
    .returning('expire_time')
    .executeTakeFirstOrThrow();
  return expire_time;
}

/** Whose password a link sets; nothing where the link or the account is not good now. */
export async function findByPasswordLink(
  db: Kysely<IdentityTables>,
  hash: Buffer,
): Promise<Person | undefined> {
  const row = await db
    .selectFrom('password_link')
    .innerJoin('subject', 'subject.uid', 'password_link.subject_uid')
    .innerJoin('person', 'person.id', 'password_link.subject_uid')
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner'])
    .where('password_link.hash', '=', hash)
    .where('password_link.expire_time', '>', sql<Date>`clock_timestamp()`)
    .where('subject.delete_time', 'is', null)
    .where('subject.disable_time', 'is', null)
    .executeTakeFirst();
  return row && { uid: row.uid, name: row.name, email: row.email, instanceOwner: row.instance_owner };
}

/** Makes the link of an account worthless, if it has one. */
export async function deletePasswordLink(tx: Kysely<IdentityTables>, subjectUid: string): Promise<void> {
  await tx.deleteFrom('password_link').where('subject_uid', '=', subjectUid).execute();
}

export async function forgetPasswordLinks(db: Kysely<IdentityTables>): Promise<void> {
  await db.deleteFrom('password_link').where('expire_time', '<', sql<Date>`now()`).execute();
}
