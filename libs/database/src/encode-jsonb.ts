import { type RawBuilder, sql } from 'kysely';

/**
 * A value for a `jsonb` column. Without it an array becomes a PostgreSQL array on one engine and a bare string becomes invalid JSON on
 * the other.
 *
 * @throws TypeError when the value has no JSON form: `undefined`, a function, a bigint, a cycle
 */
export function jsonb<T>(value: T): RawBuilder<T> {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError('the value has no JSON form');
  return sql<T>`${text}::text::jsonb`;
}
