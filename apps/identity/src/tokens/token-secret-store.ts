import type { Kysely } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** The wrapped secret and the fingerprint of the master key that wrapped it. */
export interface WrappedSecret {
  readonly masterFingerprint: string;
  readonly wrapped: Buffer;
}

export async function findTokenSecret(db: Kysely<IdentityTables>): Promise<WrappedSecret | undefined> {
  const row = await db
    .selectFrom('token_secret')
    .select(['master_fingerprint', 'wrapped'])
    .executeTakeFirst();
  return row && { masterFingerprint: row.master_fingerprint, wrapped: row.wrapped };
}

/** Stores the secret unless another replica was faster. */
export async function insertTokenSecret(db: Kysely<IdentityTables>, secret: WrappedSecret): Promise<void> {
  await db
    .insertInto('token_secret')
    .values({ master_fingerprint: secret.masterFingerprint, wrapped: secret.wrapped })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Replaces the wrapping, unless another replica did. */
export async function replaceTokenSecret(
  db: Kysely<IdentityTables>,
  previousFingerprint: string,
  secret: WrappedSecret,
): Promise<void> {
  await db
    .updateTable('token_secret')
    .set({ master_fingerprint: secret.masterFingerprint, wrapped: secret.wrapped })
    .where('master_fingerprint', '=', previousFingerprint)
    .execute();
}
