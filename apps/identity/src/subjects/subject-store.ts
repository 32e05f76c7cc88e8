import { type Kysely, type Selectable, sql } from 'kysely';
import type { IdentityTables, SubjectTable } from '../schema.ts';

/**
 * Locks a living subject, disabled or not, against the issue of tokens until the transaction ends. Whatever takes rights away does this
 * first and calls `revoke` afterwards.
 */
export function lockSubject(
  tx: Kysely<IdentityTables>,
  uid: string,
): Promise<Selectable<SubjectTable> | undefined> {
  return tx
    .selectFrom('subject')
    .selectAll()
    .where('uid', '=', uid)
    .where('delete_time', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** Whether a person is neither gone nor disabled. Holds that until the transaction ends: what is begun in it is not missed by an end. */
export async function holdPerson(tx: Kysely<IdentityTables>, uid: string): Promise<boolean> {
  const held = await tx
    .selectFrom('subject')
    .select(sql<boolean>`delete_time is null and disable_time is null`.as('enabled'))
    .where('uid', '=', uid)
    .forShare()
    .executeTakeFirst();
  return held?.enabled ?? false;
}
