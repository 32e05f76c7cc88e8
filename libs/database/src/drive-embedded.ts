import type { PGlite, Transaction as PGliteTransaction } from '@electric-sql/pglite';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import { createTurnYielder } from './yield-turn.ts';

interface EmbeddedConnection extends DatabaseConnection {
  transaction?: OpenTransaction | undefined;
}

interface OpenTransaction {
  readonly handle: PGliteTransaction;
  readonly closed: Promise<void>;
  commit(): void;
  rollback(): void;
}

const ROLLBACK = Symbol('rollback');

/**
 * Kysely's driver interface on PGlite.
 *
 * Kysely's own PGlite driver shares one connection object, so it needs a mutex around every query, ignores isolation levels, and
 * waits for ever when a transaction cannot begin (a closed instance). Here every caller has its own connection object and PGlite's
 * transaction lock alone puts them in order.
 */
export function createEmbeddedDriver(pglite: PGlite): Driver {
  const yieldTurn = createTurnYielder();
  return {
    init: async () => {},
    acquireConnection: async () => createConnection(pglite, yieldTurn),
    beginTransaction: async (connection, settings) => {
      await yieldTurn();
      (connection as EmbeddedConnection).transaction = await begin(pglite, settings);
    },
    commitTransaction: async (connection) => {
      const transaction = take(connection);
      transaction?.commit();
      await transaction?.closed;
    },
    rollbackTransaction: async (connection) => {
      const transaction = take(connection);
      transaction?.rollback();
      await transaction?.closed.catch((error: unknown) => {
        if (error !== ROLLBACK) throw error;
      });
    },
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}

function createConnection(pglite: PGlite, yieldTurn: () => Promise<void>): EmbeddedConnection {
  return {
    async executeQuery<R>(this: EmbeddedConnection, query: CompiledQuery): Promise<QueryResult<R>> {
      await yieldTurn();
      const target = this.transaction?.handle ?? pglite;
      const { rows, affectedRows } = await target.query<R>(query.sql, [...query.parameters]);
      return affectedRows === undefined ? { rows } : { rows, numAffectedRows: BigInt(affectedRows) };
    },
    streamQuery() {
      throw new Error('PGlite does not stream: page through the result');
    },
  };
}

/** Resolves when BEGIN has run, and rejects when it cannot. */
async function begin(pglite: PGlite, settings: TransactionSettings): Promise<OpenTransaction> {
  const finish = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<PGliteTransaction>();
  const closed = pglite.transaction(async (handle) => {
    const modes = transactionModes(settings);
    if (modes !== '') await handle.exec(`set transaction ${modes}`);
    begun.resolve(handle);
    await finish.promise;
  });
  closed.catch(begun.reject);
  return {
    handle: await begun.promise,
    closed,
    commit: finish.resolve,
    rollback: () => finish.reject(ROLLBACK),
  };
}

function transactionModes(settings: TransactionSettings): string {
  const isolation = settings.isolationLevel && `isolation level ${settings.isolationLevel}`;
  return [isolation, settings.accessMode].filter(Boolean).join(', ');
}

function take(connection: EmbeddedConnection): OpenTransaction | undefined {
  const transaction = connection.transaction;
  connection.transaction = undefined;
  return transaction;
}
