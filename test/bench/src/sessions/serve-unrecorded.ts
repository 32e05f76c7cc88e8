/**
 * The gateway with its record left out: the two statements of an operation are answered at once instead of written. What is left is
 * the path in memory: the call and its checks, the sealed payload, the session, the frames, the result, and the wait for it.
 *
 * `DATABASE_URL` names the PostgreSQL for everything else. It sends `{port, …identities}` to its parent, then answers
 * `{count, inFlight}` with the milliseconds that so many operations took.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { type Engine, openPostgres } from '@planton/database';
import { createKeyRequest } from '@planton/enrolment';
import { openMasterKey, parseMasterKeySource } from '@planton/keyring';
import { createTestPlatform } from '@planton/rpc/testing';
import { createRunnerGateway } from '@planton/runner-gateway';
import type { CompiledQuery } from 'kysely';

const org = { uid: 'bench', slug: 'bench' };

/** What the statement that inserts an operation would answer. One that no session has room for would wait in a table, and there is none. */
function insertedRow(column: (index: number) => unknown): Record<string, unknown> {
  if (column(6) === null) throw new Error('an operation found no session with room');
  const now = new Date();
  return {
    uid: column(1),
    runner_uid: column(2),
    organization_uid: column(3),
    kind: column(4),
    state: 'running',
    attempt: 1,
    instance_uid: column(6),
    requester_replica_uid: '',
    connection_slug: '',
    requested_by: 'bench',
    create_time: now,
    start_time: now,
    end_time: null,
    deadline: new Date(now.getTime() + 30_000),
    output: null,
    error: null,
    runner_slug: 'bench',
  };
}

/** What the statement that records a result would answer. */
function recordedRow(inserted: Record<string, unknown>, output: unknown, position: number) {
  const ended = { state: 'succeeded', end_time: new Date(), output: JSON.parse(String(output)) };
  return { ...inserted, ...ended, recorded: true, position };
}

function leaveOutTheRecord(engine: Engine): Engine {
  const running = new Map<unknown, Record<string, unknown>>();
  const answer = ({ sql, parameters }: CompiledQuery): { rows: unknown[] } | undefined => {
    const columns = parameters as readonly (readonly unknown[])[];
    if (sql.includes('insert into "runner".operation ')) {
      const rows = (columns[1] ?? []).map((_, row) => insertedRow((index) => columns[index]?.[row]));
      for (const row of rows) running.set(row.uid, row);
      return { rows };
    }
    if (!sql.includes('recorded as (')) return undefined;
    const rows = (columns[0] ?? []).map((uid, index) => {
      const row = recordedRow(running.get(uid) ?? {}, columns[4]?.[index], index + 1);
      running.delete(uid);
      return row;
    });
    return { rows };
  };
  const wrap = (kysely: Engine['kysely']): Engine['kysely'] =>
    new Proxy(kysely, {
      get: (target, name) => {
        if (name === 'withSchema') return (schema: string) => wrap(target.withSchema(schema));
        if (name === 'executeQuery')
          return async (query: CompiledQuery) => answer(query) ?? target.executeQuery(query);
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return { ...engine, kysely: wrap(engine.kysely) };
}

process.env.BENCH_MASTER_KEY = randomBytes(32).toString('base64');
const engine = openPostgres({ url: process.env.DATABASE_URL ?? '', applicationName: 'bench' });
const platform = await createTestPlatform();
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const gateway = await createRunnerGateway({
  engine: leaveOutTheRecord(engine),
  masterKeys: {
    master: await openMasterKey(parseMasterKeySource('env:BENCH_MASTER_KEY'), { createIfMissing: false }),
  },
  gatewayAddress: '127.0.0.1:0',
  scopeOf: platform.guard.scopeOf,
  logger: silent,
  newUid: randomUUID,
  now: () => new Date(),
  monotonic: () => performance.now(),
  randomBytes,
  random: Math.random,
});
platform.guard.start();
gateway.start();
const { port } = await gateway.serveRunners({
  address: '127.0.0.1:0',
  interceptors: platform.guard.interceptors,
});
const token = await platform.tokenFor({ org, role: 'owner' });
const transport = platform.transportFor(gateway.routes, token);
const runners = createClient(RunnerService, transport);
const stranger = createClient(RunnerService, platform.transportFor(gateway.routes));

await runners.registerRunner({ org: org.slug, name: 'bench' });
const { text } = await runners.createRunnerToken({ org: org.slug, runner: 'bench', useLimit: 0 });
const { privateKey: key, certificateRequest } = await createKeyRequest();
const { certificate } = await stranger.enrollRunner({
  token: text,
  certificateRequest,
  instanceName: 'bench',
  ephemeral: true,
});
process.send?.({
  url: `https://127.0.0.1:${port}`,
  key,
  ca: certificate?.caBundle,
  certificates: [certificate?.certificate],
});

async function execute(count: number, inFlight: number): Promise<number> {
  let left = count;
  const started = performance.now();
  const work = async () => {
    while (left-- > 0)
      await runners.executeOperation({
        org: org.slug,
        runner: 'bench',
        input: { kind: { case: 'ping', value: {} } },
      });
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return performance.now() - started;
}

process.on('message', (order: { readonly count?: number; readonly inFlight?: number }) => {
  if (order.count === undefined) return;
  execute(order.count, order.inFlight ?? 1).then(
    (ms) => process.send?.({ ms }),
    (error: unknown) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    },
  );
});
