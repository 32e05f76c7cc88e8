import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import type { Person } from '../sign-in/person-store.ts';

/** Whether a person is neither gone nor disabled. */
const isLiving = sql<boolean>`subject.delete_time is null and subject.disable_time is null`.as('living');

/** Lets one sign-in of an address be decided at a time; held until the transaction ends. */
export async function lockEmail(tx: Kysely<IdentityTables>, email: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`identity person ${email}`}, 0))`.execute(tx);
}

/** The person whom the provider calls `sub`, living or not. */
export async function findLinked(
  db: Kysely<IdentityTables>,
  providerId: string,
  sub: string,
): Promise<(Person & { readonly living: boolean }) | undefined> {
  const row = await db
    .selectFrom('account')
    .innerJoin('subject', 'subject.uid', 'account.person_id')
    .innerJoin('person', 'person.id', 'account.person_id')
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner', isLiving])
    .where('account.provider_id', '=', providerId)
    .where('account.account_id', '=', sub)
    .executeTakeFirst();
  return (
    row && {
      uid: row.uid,
      name: row.name,
      email: row.email,
      instanceOwner: row.instance_owner,
      living: row.living,
    }
  );
}

/** The person of an address, and whether there is a way to sign in already. */
export async function findOwnerOfEmail(
  db: Kysely<IdentityTables>,
  email: string,
): Promise<(Person & { readonly living: boolean; readonly hasAccount: boolean }) | undefined> {
  const row = await db
    .selectFrom('person')
    .innerJoin('subject', 'subject.uid', 'person.id')
    .leftJoin('account', 'account.person_id', 'person.id')
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner', isLiving])
    .select('account.id as account_id')
    .where('person.email', '=', email)
    .limit(1)
    .executeTakeFirst();
  return (
    row && {
      uid: row.uid,
      name: row.name,
      email: row.email,
      instanceOwner: row.instance_owner,
      living: row.living,
      hasAccount: row.account_id !== null,
    }
  );
}

/** Creates a person who has no way to sign in yet. The address must be free: call it under the lock of `lockEmail`. */
export async function insertPerson(
  tx: Kysely<IdentityTables>,
  person: {
    readonly uid: string;
    readonly name: string;
    readonly email: string;
    /** Whether somebody has shown that the address is theirs. */
    readonly verified: boolean;
  },
): Promise<void> {
  const now = sql<Date>`now()`;
  const { uid, name, email, verified } = person;
  await tx.insertInto('subject').values({ uid, kind: 'user', name }).execute();
  await tx
    .insertInto('person')
    .values({
      id: uid,
      name,
      email,
      email_verified: verified,
      image: null,
      create_time: now,
      update_time: now,
    })
    .execute();
}

/** Lets the provider sign a person in. */
export async function insertLink(
  tx: Kysely<IdentityTables>,
  link: {
    readonly id: string;
    readonly personUid: string;
    readonly providerId: string;
    readonly sub: string;
  },
): Promise<void> {
  const now = sql<Date>`now()`;
  await tx
    .insertInto('account')
    .values({
      id: link.id,
      person_id: link.personUid,
      account_id: link.sub,
      provider_id: link.providerId,
      password: null,
      create_time: now,
      update_time: now,
    })
    .execute();
}

/** Uid of an organisation. */
export async function findOrganizationUid(
  db: Kysely<IdentityTables>,
  slug: string,
): Promise<string | undefined> {
  const row = await db.selectFrom('organization').select('uid').where('slug', '=', slug).executeTakeFirst();
  return row?.uid;
}
