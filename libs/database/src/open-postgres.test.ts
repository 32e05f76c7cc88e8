import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { isUnavailable } from './classify-error.ts';
import { listen, notify } from './listen.ts';
import { openDatabase } from './open-database.ts';
import { openPostgres, type PostgresSettings } from './open-postgres.ts';
import { type PostgresServer, startPostgres } from './testing/index.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

function open(settings: Partial<PostgresSettings> = {}) {
  const engine = openPostgres({
    url: server.url,
    applicationName: 'fault-test',
    random: () => 0.1,
    ...settings,
  });
  onTestFinished(() => engine.close());
  return engine;
}

const fail = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it succeeded',
    (error: unknown) => error,
  );

test.each(['kill', 'shutdown'] as const)(
  'after a %s, queries are unavailable, and recover by themselves',
  async (end) => {
    const onError = vi.fn();
    const engine = open({ onError });
    const onConnect = vi.fn();
    const received: string[] = [];
    const subscription = listen(engine, 'faults', (payload) => received.push(payload), { onConnect });
    await Promise.all([subscription.ready, ...Array.from({ length: 5 }, () => engine.ping())]);
    const database = openDatabase<Record<string, never>>(engine, 'public');
    const begun = Promise.withResolvers<void>();
    const cut = fail(
      database.transact(async (tx) => {
        begun.resolve();
        await sql`select pg_sleep(30)`.execute(tx);
      }),
    );
    await begun.promise;

    await server[end]();
    expect(isUnavailable(await cut)).toBe(true);
    expect(isUnavailable(await fail(engine.ping()))).toBe(true);
    expect(isUnavailable(await fail(database.transact(async () => {})))).toBe(true);

    await server.restart();
    await Promise.all(Array.from({ length: 20 }, () => engine.ping()));
    await vi.waitFor(() => expect(onConnect).toHaveBeenCalledTimes(2), { timeout: 10_000 });
    await notify(engine.kysely, 'faults', 'back');
    await vi.waitFor(() => expect(received).toEqual(['back']));
    expect(onError).toHaveBeenCalled();
  },
);

test('a database that is down at the start is no error until it is asked, and is found when it comes', async () => {
  await server.shutdown();
  const engine = open();
  const received: string[] = [];
  const subscription = listen(engine, 'late', (payload) => received.push(payload));
  expect(isUnavailable(await fail(engine.ping()))).toBe(true);
  await server.restart();
  await engine.ping();
  await subscription.ready;
  await notify(engine.kysely, 'late', 'x');
  await vi.waitFor(() => expect(received).toEqual(['x']));
});

test('sessions ended by an administrator are replaced', async () => {
  const engine = open({ poolSize: 2, applicationName: 'victim' });
  await engine.ping();
  const other = open();
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`.execute(
    other.kysely,
  );
  await vi.waitFor(() => engine.ping());
});

test('an exhausted pool and a slow statement are unavailable', async () => {
  const engine = open({ poolSize: 1, connectTimeout: 200, statementTimeout: 1_000 });
  const slow = fail(sql`select pg_sleep(30)`.execute(engine.kysely));
  const queued = await fail(engine.ping());
  expect(isUnavailable(queued)).toBe(true);
  expect(await slow).toMatchObject({ code: '57014' });
  expect(isUnavailable(await slow)).toBe(true);
  await engine.ping();
});

test('a transaction that idles too long is ended, and its connection replaced', async () => {
  const engine = open({ poolSize: 1, idleInTransactionTimeout: 100 });
  const database = openDatabase<Record<string, never>>(engine, 'public');
  const idle = await fail(
    database.transact(async (tx) => {
      await vi.waitFor(async () => {
        const other = await countSessions();
        expect(other).toBe(0);
      });
      await sql`select 1`.execute(tx);
    }),
  );
  expect(isUnavailable(idle)).toBe(true);
  await engine.ping();
});

test('a wrong password is not mistaken for an outage', async () => {
  const url = new URL(server.url);
  url.password = 'wrong';
  const error = await fail(open({ url: url.href }).ping());
  expect(error).toMatchObject({ code: '28P01' });
  expect(isUnavailable(error)).toBe(false);
});

test('a bad URL is refused without repeating it', () => {
  for (const url of [
    '',
    'secret-text',
    'mysql://user:secret-text@host/db',
    'postgres://user:secret-text@:x/',
  ]) {
    expect(() => openPostgres({ url, applicationName: 'x' })).toThrow(/must look like postgres:/);
    expect(() => openPostgres({ url, applicationName: 'x' })).not.toThrow(/secret-text/);
  }
});

/** Asked by a client of its own, because the engine refuses a second connection inside a transaction. */
async function countSessions(): Promise<number> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  const { rows } = await client.query(
    `select count(*)::int4 as count from pg_stat_activity where state like 'idle in transaction%'`,
  );
  await client.end();
  return rows[0].count;
}
