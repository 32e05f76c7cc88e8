import { createHash } from 'node:crypto';
import { CompiledQuery } from 'kysely';

const names = new Map<string, string>();

/**
 * Makes a statement that PostgreSQL parses and plans once for each connection, for the few statements that are so hot that
 * planning costs more than running them. On the embedded database it is a statement like any other.
 *
 * Call it once for each text, when the module loads or the text is first made. The text names its columns (never `*`): a
 * prepared statement whose result changes its type with a migration fails until its connection is closed.
 *
 * @param text SQL with `$1`, `$2`, …
 * @returns makes the query for one set of parameters
 */
export function prepareStatement<Row>(text: string): (parameters: readonly unknown[]) => CompiledQuery<Row> {
  names.set(text, `planton_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`);
  return (parameters) => CompiledQuery.raw(text, [...parameters]) as CompiledQuery<Row>;
}

/** The name under which a connection prepares the text; undefined for a text that is not prepared. */
export function preparedNameOf(text: string): string | undefined {
  return names.get(text);
}
