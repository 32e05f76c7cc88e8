import type { Kysely } from 'kysely';
import type { RunnerTables } from '../schema.ts';

/** The wrapped secret and the fingerprint of the master key that wrapped it. */
export interface WrappedSecret {
  readonly masterFingerprint: string;
  readonly wrapped: Buffer;
}

export async function findServiceKey(db: Kysely<RunnerTables>): Promise<WrappedSecret | undefined> {
  const row = await db.selectFrom('service_key').select(['master_fingerprint', 'wrapped']).executeTakeFirst();
  return row && { masterFingerprint: row.master_fingerprint, wrapped: row.wrapped };
}

/** Stores the secret unless another replica was faster. */
export async function insertServiceKey(db: Kysely<RunnerTables>, secret: WrappedSecret): Promise<void> {
  await db
    .insertInto('service_key')
    .values({ master_fingerprint: secret.masterFingerprint, wrapped: secret.wrapped })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Replaces the wrapping, unless another replica did. */
export async function rewrapServiceKey(
  db: Kysely<RunnerTables>,
  previousFingerprint: string,
  secret: WrappedSecret,
): Promise<void> {
  await db
    .updateTable('service_key')
    .set({ master_fingerprint: secret.masterFingerprint, wrapped: secret.wrapped })
    .where('master_fingerprint', '=', previousFingerprint)
    .execute();
}
