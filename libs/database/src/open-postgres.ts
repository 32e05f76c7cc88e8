import { PostgresDriver, sql } from 'kysely';
import pg from 'pg';
import { createKysely } from './create-kysely.ts';
import type { Engine, Subscription } from './engine.ts';
import { nameStatements } from './name-statements.ts';
import { keepText, OID, parseInt8 } from './parse-value.ts';
import { subscribePostgres } from './subscribe-postgres.ts';

export interface PostgresSettings {
  /** `postgres://user:password@host:port/database?sslmode=…`. Never repeated in an error. */
  readonly url: string;
  /** What `pg_stat_activity` shows. */
  readonly applicationName: string;
  /** Connections of this process, besides one for each subscription. Default 20. */
  readonly poolSize?: number;
  /** Longest wait for a connection, new or pooled, in milliseconds. Default 5000. */
  readonly connectTimeout?: number;
  /** Longest statement in milliseconds, enforced by the server. Default 30000. Migrations have no limit. */
  readonly statementTimeout?: number;
  /** Longest pause inside a transaction in milliseconds, enforced by the server. Default 10000. */
  readonly idleInTransactionTimeout?: number;
  /** Told about connections lost while nobody was using them. They are replaced without help. */
  readonly onError?: (error: Error) => void;
  /** In [0, 1), for the jitter between reconnections. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * A pool of connections to PostgreSQL. Nothing is connected yet, so a database that is down is no error here: each query fails with
 * an error that `isUnavailable` recognises until it is back, and then succeeds, without reopening anything.
 *
 * @throws Error when the URL is not one; the message does not repeat it
 */
export function openPostgres(settings: PostgresSettings): Engine {
  assertUrl(settings.url);
  const onError = settings.onError ?? (() => {});
  const client: pg.ClientConfig = {
    connectionString: settings.url,
    application_name: settings.applicationName,
    connectionTimeoutMillis: settings.connectTimeout ?? 5_000,
    statement_timeout: settings.statementTimeout ?? 30_000,
    idle_in_transaction_session_timeout: settings.idleInTransactionTimeout ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: { getTypeParser },
  };
  const pool = new pg.Pool({ ...client, max: settings.poolSize ?? 20 });
  pool.on('error', onError);
  // The pool listens to idle connections only; without this, losing one in use ends the process.
  pool.on('connect', (connection) => connection.on('error', onError));

  const kysely = createKysely(new PostgresDriver({ pool: nameStatements(pool) }));
  const subscriptions = new Set<Subscription>();
  let closing: Promise<void> | undefined;
  return {
    kind: 'postgres',
    kysely,
    ping: async () => {
      await sql`select 1`.execute(kysely);
    },
    subscribe: (channel, handlers) => {
      const subscription = subscribePostgres(client, channel, handlers, {
        onError,
        random: settings.random ?? Math.random,
      });
      subscriptions.add(subscription);
      return {
        ready: subscription.ready,
        close: () => {
          subscriptions.delete(subscription);
          return subscription.close();
        },
      };
    },
    close: () => {
      closing ??= Promise.all([...subscriptions].map((each) => each.close())).then(() => pool.end());
      return closing;
    },
  };
}

const parsers = new Map<number, (text: string) => unknown>([
  [OID.int8, parseInt8],
  [OID.date, keepText],
]);

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: string) =>
  (format !== 'binary' && parsers.get(oid)) || pg.types.getTypeParser(oid, format as 'text');

function assertUrl(url: string): void {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:') {
    throw new Error('The database URL must look like postgres://user:password@host:5432/database');
  }
}
