import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** Lets one replica bootstrap at a time; held until the transaction ends. */
export async function lockBootstrap(tx: Kysely<IdentityTables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('identity bootstrap', 0))`.execute(tx);
}

export async function hasInstanceOwner(db: Kysely<IdentityTables>): Promise<boolean> {
  const owner = await db
    .selectFrom('subject')
    .select('uid')
    .where('instance_owner', '=', true)
    .limit(1)
    .executeTakeFirst();
  return owner !== undefined;
}

/** Creates the user who owns the instance. Signing in comes later: the address is one that no mail reaches (RFC 2606). */
export async function insertInstanceOwner(tx: Kysely<IdentityTables>, uid: string): Promise<void> {
  const name = 'instance-owner';
  await tx.insertInto('subject').values({ uid, kind: 'user', name, instance_owner: true }).execute();
  await tx
    .insertInto('person')
    .values({
      id: uid,
      name,
      email: `${name}@planton.invalid`,
      email_verified: false,
      image: null,
      create_time: sql<Date>`now()`,
      update_time: sql<Date>`now()`,
    })
    .execute();
}

/** Creates the identity of a service of the platform if there is none. */
export async function insertService(tx: Kysely<IdentityTables>, uid: string, service: string): Promise<void> {
  await tx
    .insertInto('subject')
    .values({ uid, kind: 'service', name: service })
    .onConflict((conflict) => conflict.column('name').where('kind', '=', 'service').doNothing())
    .execute();
}

export async function findService(db: Kysely<IdentityTables>, service: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('subject')
    .select('uid')
    .where('kind', '=', 'service')
    .where('name', '=', service)
    .executeTakeFirst();
  return row?.uid;
}

/** Whether the key is known, be it revoked or expired. */
export async function knowsKey(db: Kysely<IdentityTables>, hash: Buffer): Promise<boolean> {
  const row = await db.selectFrom('api_key').select('uid').where('hash', '=', hash).executeTakeFirst();
  return row !== undefined;
}
