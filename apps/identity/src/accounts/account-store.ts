import { type Kysely, type Selectable, sql } from 'kysely';
import type { IdentityTables, SubjectTable } from '../schema.ts';

/** A person as the owner of the instance sees them. */
export interface SeenAccount {
  readonly uid: string;
  readonly name: string;
  readonly email: string | null;
  readonly instance_owner: boolean;
  readonly create_time: Date;
  readonly disable_time: Date | null;
  readonly organization_count: number;
  /** The ways to sign in, by better-auth's names for them. */
  readonly providers: string[];
}

/** Where a page begins: after this name and uid. */
export interface AccountPosition {
  readonly name: string;
  readonly uid: string;
}

/** The people of the instance by name, all of them or those that are asked for. */
export function listAccountsOf(
  db: Kysely<IdentityTables>,
  only: { readonly uid?: string; readonly email?: string; readonly after?: AccountPosition },
  limit: number,
): Promise<SeenAccount[]> {
  let query = db
    .selectFrom('subject')
    .leftJoin('person', 'person.id', 'subject.uid')
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner'])
    .select(['subject.create_time', 'subject.disable_time'])
    .select((eb) => [
      sql<number>`(${eb
        .selectFrom('member')
        .select(sql`count(*)`.as('count'))
        .whereRef('member.subject_uid', '=', 'subject.uid')})`.as('organization_count'),
      sql<string[]>`array(${eb
        .selectFrom('account')
        .select('account.provider_id')
        .whereRef('account.person_id', '=', 'subject.uid')
        .orderBy('account.provider_id')})`.as('providers'),
    ])
    .where('subject.kind', '=', 'user')
    .where('subject.delete_time', 'is', null);
  if (only.uid !== undefined) query = query.where('subject.uid', '=', only.uid);
  if (only.email !== undefined) query = query.where('person.email', '=', only.email);
  if (only.after) {
    const { name, uid } = only.after;
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('subject.name', 'subject.uid'), '>', tuple(name, uid)),
    );
  }
  return query.orderBy('subject.name').orderBy('subject.uid').limit(limit).execute();
}

/** A person and every owner of the instance, locked against the issue of tokens until the transaction ends, always in the same order. */
export function lockWithOwners(tx: Kysely<IdentityTables>, uid: string): Promise<Selectable<SubjectTable>[]> {
  return tx
    .selectFrom('subject')
    .selectAll()
    .where('kind', '=', 'user')
    .where('delete_time', 'is', null)
    .where((eb) => eb.or([eb('uid', '=', uid), eb('instance_owner', '=', true)]))
    .orderBy('uid')
    .forNoKeyUpdate()
    .execute();
}

/** Disables a person, or enables one. */
export async function setDisabled(tx: Kysely<IdentityTables>, uid: string, disabled: boolean): Promise<void> {
  await tx
    .updateTable('subject')
    .set({ disable_time: disabled ? sql<Date>`now()` : null })
    .where('uid', '=', uid)
    .execute();
}
