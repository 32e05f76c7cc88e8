import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** better-auth's name for an account with a password. */
const PASSWORD_PROVIDER = 'credential';

/** A living person, as signed in. */
export interface Person {
  readonly uid: string;
  readonly name: string;
  readonly email: string;
  readonly instanceOwner: boolean;
}

/** The person of an address, with the hash of the password where there is one. */
export async function findByEmail(
  db: Kysely<IdentityTables>,
  email: string,
): Promise<(Person & { readonly password: string | null }) | undefined> {
  const row = await db
    .selectFrom('person')
    .innerJoin('subject', 'subject.uid', 'person.id')
    .leftJoin('account', (join) =>
      join.onRef('account.person_id', '=', 'person.id').on('account.provider_id', '=', PASSWORD_PROVIDER),
    )
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner', 'account.password'])
    .where('person.email', '=', email)
    .where('subject.delete_time', 'is', null)
    .executeTakeFirst();
  return row && { ...row, instanceOwner: row.instance_owner };
}

/** The address of a person, where it is one that people gave (RFC 2606). */
export async function findEmail(db: Kysely<IdentityTables>, uid: string): Promise<string | undefined> {
  const row = await db.selectFrom('person').select('email').where('id', '=', uid).executeTakeFirst();
  return row?.email.endsWith('.invalid') ? undefined : row?.email;
}

/** The first owner of the instance, whom the owner's link is for. */
export async function findOwner(
  db: Kysely<IdentityTables>,
): Promise<(Person & { readonly hasPassword: boolean }) | undefined> {
  const row = await db
    .selectFrom('subject')
    .innerJoin('person', 'person.id', 'subject.uid')
    .leftJoin('account', (join) =>
      join.onRef('account.person_id', '=', 'person.id').on('account.provider_id', '=', PASSWORD_PROVIDER),
    )
    .select(['subject.uid', 'subject.name', 'person.email', 'account.id as account_id'])
    .where('subject.instance_owner', '=', true)
    .where('subject.delete_time', 'is', null)
    .orderBy('subject.create_time')
    .limit(1)
    .executeTakeFirst();
  return (
    row && {
      uid: row.uid,
      name: row.name,
      email: row.email,
      instanceOwner: true,
      hasPassword: row.account_id !== null,
    }
  );
}

/** Gives a person a name, an address and a password in place of the ones before. The address must be free. */
export async function setPerson(
  tx: Kysely<IdentityTables>,
  uid: string,
  person: {
    readonly name: string;
    readonly email: string;
    readonly password: string;
    readonly newUid: () => string;
  },
): Promise<void> {
  const now = sql<Date>`now()`;
  const { name, email, password } = person;
  await tx.updateTable('subject').set({ name }).where('uid', '=', uid).execute();
  await tx.updateTable('person').set({ name, email, update_time: now }).where('id', '=', uid).execute();
  await tx
    .deleteFrom('account')
    .where('person_id', '=', uid)
    .where('provider_id', '=', PASSWORD_PROVIDER)
    .execute();
  await tx
    .insertInto('account')
    .values({
      id: person.newUid(),
      person_id: uid,
      account_id: uid,
      provider_id: PASSWORD_PROVIDER,
      password,
      create_time: now,
      update_time: now,
    })
    .execute();
}
