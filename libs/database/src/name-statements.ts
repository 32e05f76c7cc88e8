import type { PostgresPool, PostgresPoolClient } from 'kysely';
import { preparedNameOf } from './prepare-statement.ts';

/** What Kysely asks of a pool, with statements from `prepareStatement` sent under their names. */
export function nameStatements(pool: PostgresPool): PostgresPool {
  const wrapped = new WeakMap<PostgresPoolClient, PostgresPoolClient>();
  return {
    connect: async () => {
      const client = await pool.connect();
      const known = wrapped.get(client) ?? wrapClient(client);
      wrapped.set(client, known);
      return known;
    },
    end: () => pool.end(),
    options: pool.options,
  };
}

type NamedQuery = (config: { name: string; text: string; values: unknown[] }) => Promise<unknown>;

function wrapClient(client: PostgresPoolClient): PostgresPoolClient {
  const query = (text: unknown, values?: readonly unknown[]) => {
    const name = typeof text === 'string' ? preparedNameOf(text) : undefined;
    if (name === undefined || typeof text !== 'string')
      return Reflect.apply(client.query, client, [text, values]);
    return (client.query as unknown as NamedQuery).call(client, { name, text, values: [...(values ?? [])] });
  };
  return Object.create(client, { query: { value: query }, release: { value: () => client.release() } });
}
