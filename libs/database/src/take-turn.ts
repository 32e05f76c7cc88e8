import { type Kysely, sql } from 'kysely';

/**
 * Lets those who name the same thing go on one at a time, until the transaction ends. What is read after it was committed before: a
 * statement of its own sees whatever those before have done.
 */
export async function takeTurn<T>(tx: Kysely<T>, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(tx);
}
