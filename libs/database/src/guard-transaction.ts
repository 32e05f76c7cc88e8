import { AsyncLocalStorage } from 'node:async_hooks';
import type { Driver } from 'kysely';

interface Scope {
  open: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Thrown for a mistake in the program, never for bad input or a failing database: it is not to be retried or mapped. */
export class TransactionMisuseError extends Error {
  override readonly name = 'TransactionMisuseError';
}

/**
 * Throws when called inside `transact`. Call it before every RPC and every other wait on the outside world.
 *
 * A transaction that waits for the network holds locks, a pooled connection and, on the embedded database, everyone else;
 * and what happened outside is not undone when it rolls back.
 *
 * @param what what was attempted, as a noun phrase: `'the call to identity'`
 */
export function assertOutsideTransaction(what: string): void {
  if (scopes.getStore()?.open === true) {
    throw new TransactionMisuseError(
      `${what} is not allowed inside a transaction: do it before or after transact()`,
    );
  }
}

/** Runs `fn` as the body of a transaction. What it leaves running is inside only until `fn` settles. */
export function runInScope<T>(fn: () => Promise<T>): Promise<T> {
  const scope: Scope = { open: true };
  return scopes.run(scope, async () => {
    try {
      return await fn();
    } finally {
      scope.open = false;
    }
  });
}

/**
 * Refuses to hand out a second connection inside a transaction.
 *
 * The embedded database has one connection, so the second query would wait for the transaction and the transaction for the
 * query, for ever. On PostgreSQL it would read from outside the transaction and could empty the pool. Both get the same error.
 * A transaction's own queries never come here: they already have their connection, so they pay nothing.
 */
export function guardDriver(driver: Driver): Driver {
  return {
    init: (options) => driver.init(options),
    acquireConnection: async (options) => {
      if (scopes.getStore()?.open === true) {
        throw new TransactionMisuseError(
          'a query outside the open transaction would never end on the embedded database: use the `tx` that transact() passes',
        );
      }
      return driver.acquireConnection(options);
    },
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: (connection) => driver.commitTransaction(connection),
    rollbackTransaction: (connection) => driver.rollbackTransaction(connection),
    releaseConnection: (connection, options) => driver.releaseConnection(connection, options),
    destroy: (options) => driver.destroy(options),
  };
}
