import type { Kysely, Selectable } from 'kysely';
import type { IdentityTables, SubjectTable } from '../schema.ts';

/**
 * Locks a living subject against the issue of tokens until the transaction ends. Whatever takes rights away does this
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
