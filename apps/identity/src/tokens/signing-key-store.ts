import type { Database } from '@planton/database';
import type { JwtOptions } from 'better-auth/plugins/jwt';
import { type Selectable, sql } from 'kysely';
import type { IdentityTables, SigningKeyTable } from '../schema.ts';

type KeyAdapter = Required<NonNullable<JwtOptions['adapter']>>;

/** A key pair as better-auth's jwt plugin makes and reads it; the private key is encrypted. */
type SigningKey = Awaited<ReturnType<KeyAdapter['createJwk']>>;

export async function listSigningKeys(database: Database<IdentityTables>): Promise<SigningKey[]> {
  return (await database.query.selectFrom('signing_key').selectAll().execute()).map(signingKey);
}

/**
 * Stores a new key pair, unless another replica stored one while this one was made: then that one counts, so that verifiers
 * have one new key to learn at a rotation, not one for each replica. Forgets pairs that verify nothing any more.
 *
 * @param graceMs how long after its end a key may still verify, in milliseconds
 * @returns the pair to sign with
 */
export function addSigningKey(
  database: Database<IdentityTables>,
  key: SigningKey,
  graceMs: number,
): Promise<SigningKey> {
  return database.transact(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('identity signing key', 0))`.execute(tx);
    const alive = await tx
      .selectFrom('signing_key')
      .selectAll()
      .where('expire_time', '>', key.createdAt)
      .orderBy('create_time', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (alive) return signingKey(alive);
    await tx
      .deleteFrom('signing_key')
      .where('expire_time', '<', new Date(key.createdAt.getTime() - graceMs))
      .execute();
    const stored = await tx
      .insertInto('signing_key')
      .values({
        id: key.id,
        public_key: key.publicKey,
        private_key: key.privateKey,
        alg: key.alg ?? null,
        crv: key.crv ?? null,
        create_time: key.createdAt,
        expire_time: key.expiresAt ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return signingKey(stored);
  });
}

function signingKey(row: Selectable<SigningKeyTable>): SigningKey {
  return {
    id: row.id,
    publicKey: row.public_key,
    privateKey: row.private_key,
    createdAt: row.create_time,
    ...(row.alg === null ? {} : { alg: row.alg }),
    ...(row.crv === null ? {} : { crv: row.crv }),
    ...(row.expire_time === null ? {} : { expiresAt: row.expire_time }),
  };
}
