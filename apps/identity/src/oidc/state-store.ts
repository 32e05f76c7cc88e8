import { type Kysely, sql } from 'kysely';
import { hashKey } from '../api-keys/mint-key.ts';
import type { IdentityTables } from '../schema.ts';
import type { Checks } from './reach-provider.ts';

/** Seconds that a person may take at the provider. */
export const STATE_S = 600;

/** A sign-in that went to the provider. */
export interface Departed extends Checks {
  readonly next: string;
}

const identifierOf = (state: string) => `oidc:${hashKey(state).toString('base64url')}`;

/** Remembers a sign-in in better-auth's table for what is verified later. */
export async function insertDeparted(
  db: Kysely<IdentityTables>,
  id: string,
  departed: Departed,
): Promise<void> {
  const now = sql<Date>`now()`;
  await db
    .insertInto('verification')
    .values({
      id,
      identifier: identifierOf(departed.state),
      value: JSON.stringify(departed),
      create_time: now,
      update_time: now,
      expire_time: sql<Date>`now() + make_interval(secs => ${STATE_S})`,
    })
    .execute();
}

/** Takes a sign-in that comes back, once. */
export async function takeDeparted(db: Kysely<IdentityTables>, state: string): Promise<Departed | undefined> {
  const row = await db
    .deleteFrom('verification')
    .where('identifier', '=', identifierOf(state))
    .where('expire_time', '>', sql<Date>`clock_timestamp()`)
    .returning('value')
    .executeTakeFirst();
  return row && (JSON.parse(row.value) as Departed);
}

export async function forgetDeparted(db: Kysely<IdentityTables>): Promise<void> {
  await db.deleteFrom('verification').where('expire_time', '<', sql<Date>`now()`).execute();
}
