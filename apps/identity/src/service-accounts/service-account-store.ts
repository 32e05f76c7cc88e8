import { type Kysely, sql } from 'kysely';
import { type Grant, insertMember } from '../members/member-store.ts';
import type { IdentityTables } from '../schema.ts';

/** Creates a service account as a member of its organisation. The slug must be free: call it under the organisation's lock. */
export async function insertServiceAccount(
  tx: Kysely<IdentityTables>,
  account: { readonly uid: string; readonly organizationUid: string; readonly slug: string },
  grant: Grant,
): Promise<void> {
  await tx
    .insertInto('subject')
    .values({
      uid: account.uid,
      kind: 'service_account',
      name: account.slug,
      organization_uid: account.organizationUid,
    })
    .execute();
  await insertMember(tx, account.organizationUid, account.uid, grant);
}

/** The uid of a living service account. */
export async function findServiceAccount(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  slug: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('subject')
    .select('uid')
    .where('kind', '=', 'service_account')
    .where('organization_uid', '=', organizationUid)
    .where('name', '=', slug)
    .where('delete_time', 'is', null)
    .executeTakeFirst();
  return row?.uid;
}

export async function countServiceAccounts(
  db: Kysely<IdentityTables>,
  organizationUid: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('subject')
    .select(sql<number>`count(*)`.as('count'))
    .where('kind', '=', 'service_account')
    .where('organization_uid', '=', organizationUid)
    .where('delete_time', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}

/** Ends a service account with its keys. The row stays, so that the audit trail keeps a name for the uid. */
export async function endServiceAccount(tx: Kysely<IdentityTables>, uid: string): Promise<void> {
  await tx.deleteFrom('member').where('subject_uid', '=', uid).execute();
  await tx
    .updateTable('api_key')
    .set({ revoke_time: sql`now()` })
    .where('subject_uid', '=', uid)
    .where('revoke_time', 'is', null)
    .execute();
  await tx.updateTable('subject').set({ delete_time: sql`now()` }).where('uid', '=', uid).execute();
}
