import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import { holdPerson } from '../subjects/subject-store.ts';

/** better-auth's name for an account with a password. */
export const PASSWORD_PROVIDER = 'credential';

/** A person who is neither gone nor disabled, as signed in. */
export interface Person {
  readonly uid: string;
  readonly name: string;
  readonly email: string;
  readonly instanceOwner: boolean;
}

/** The person of an address, with the hash of the password where there is one; also one who is disabled. */
export async function findByEmail(
  db: Kysely<IdentityTables>,
  email: string,
): Promise<(Person & { readonly password: string | null; readonly disabled: boolean }) | undefined> {
  const row = await db
    .selectFrom('person')
    .innerJoin('subject', 'subject.uid', 'person.id')
    .leftJoin('account', (join) =>
      join.onRef('account.person_id', '=', 'person.id').on('account.provider_id', '=', PASSWORD_PROVIDER),
    )
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner', 'account.password'])
    .select(sql<boolean>`subject.disable_time is not null`.as('disabled'))
    .where('person.email', '=', email)
    .where('subject.delete_time', 'is', null)
    .executeTakeFirst();
  return row && { ...row, instanceOwner: row.instance_owner };
}

/**
 * Whether a person still has this password and is not disabled, held until the transaction ends: looking at a password takes a while.
 */
export async function holdPassword(
  tx: Kysely<IdentityTables>,
  { uid, email, password }: Person & { readonly password: string | null },
): Promise<boolean> {
  return (await holdPerson(tx, uid)) && (await findByEmail(tx, email))?.password === password;
}

/** The address of a person, where it is one that people gave. */
export async function findEmail(db: Kysely<IdentityTables>, uid: string): Promise<string | undefined> {
  const row = await db.selectFrom('person').select('email').where('id', '=', uid).executeTakeFirst();
  return shownEmail(row?.email);
}

/** An address, where it is one that people gave (RFC 2606). */
export function shownEmail(email: string | null | undefined): string | undefined {
  return email?.endsWith('.invalid') ? undefined : (email ?? undefined);
}

/** The first owner of the instance who is not disabled, whom the owner's link is for. */
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
    .where('subject.disable_time', 'is', null)
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
  const { name, email, password, newUid } = person;
  await tx.updateTable('subject').set({ name }).where('uid', '=', uid).execute();
  await tx
    .updateTable('person')
    .set({ name, email, update_time: sql<Date>`now()` })
    .where('id', '=', uid)
    .execute();
  await setPassword(tx, uid, { password, newUid });
}

/** Gives a person a password in place of the one before, if there was one. */
export async function setPassword(
  tx: Kysely<IdentityTables>,
  uid: string,
  { password, newUid }: { readonly password: string; readonly newUid: () => string },
): Promise<void> {
  const now = sql<Date>`now()`;
  await tx
    .deleteFrom('account')
    .where('person_id', '=', uid)
    .where('provider_id', '=', PASSWORD_PROVIDER)
    .execute();
  await tx
    .insertInto('account')
    .values({
      id: newUid(),
      person_id: uid,
      account_id: uid,
      provider_id: PASSWORD_PROVIDER,
      password,
      create_time: now,
      update_time: now,
    })
    .execute();
}
