import { setTimeout as sleep } from 'node:timers/promises';
import type { AccessMode, IsolationLevel, Kysely, Transaction } from 'kysely';
import { isConflict } from './classify-error.ts';
import type { Engine } from './engine.ts';
import { assertOutsideTransaction, runInScope } from './guard-transaction.ts';

/** One service's tables: an engine seen through one PostgreSQL schema. */
export interface Database<DB> {
  readonly engine: Engine;
  readonly schema: string;
  /**
   * Single statements; each commits by itself. Rejects inside `transact`. Kysely's names get the schema; raw SQL names tables with
   * `sql.table(...)` and this `schema`.
   */
  readonly query: Kysely<DB>;
  /**
   * Runs `fn` in a transaction: committed when it resolves, rolled back when it rejects, with the same error. May run `fn` again
   * after a serialization failure or deadlock, so it changes nothing but the database. Does not nest.
   */
  transact<T>(fn: (tx: Transaction<DB>) => Promise<T>, options?: TransactOptions): Promise<T>;
}

export interface TransactOptions {
  /** Default: the database's, `read committed`. */
  readonly isolation?: IsolationLevel;
  readonly access?: AccessMode;
  /** How often `fn` runs at most when transactions meet. Default 5. */
  readonly attempts?: number;
}

export interface DatabaseOptions {
  /** In [0, 1), for the jitter between attempts. Default `Math.random`. */
  readonly random?: () => number;
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/**
 * @param schema lower-case letters, digits and underscores, at most 63; made by `migrate`
 */
export function openDatabase<DB>(
  engine: Engine,
  schema: string,
  options: DatabaseOptions = {},
): Database<DB> {
  assertSchema(schema);
  const random = options.random ?? Math.random;
  const query = (engine.kysely as Kysely<DB>).withSchema(schema);
  return {
    engine,
    schema,
    query,
    transact: async (fn, { attempts = 5, ...settings } = {}) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await runTransaction(query, fn, settings);
        } catch (error) {
          if (attempt >= attempts || !isConflict(error)) throw error;
        }
        await sleep(random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt));
      }
    },
  };
}

export function assertSchema(schema: string): void {
  if (!SCHEMA.test(schema)) {
    throw new RangeError(
      `a schema is lower-case letters, digits and underscores, at most 63: ${JSON.stringify(schema)}`,
    );
  }
}

/** One attempt, guarded. */
export async function runTransaction<DB, T>(
  db: Kysely<DB>,
  fn: (tx: Transaction<DB>) => Promise<T>,
  settings: Pick<TransactOptions, 'isolation' | 'access'> = {},
): Promise<T> {
  assertOutsideTransaction('a nested transaction');
  let builder = db.transaction();
  if (settings.isolation !== undefined) builder = builder.setIsolationLevel(settings.isolation);
  if (settings.access !== undefined) builder = builder.setAccessMode(settings.access);
  return builder.execute((tx) => runInScope(() => fn(tx)));
}
