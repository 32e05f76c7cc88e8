/**
 * As many sessions as are asked for, then the server is killed and started again: how long until all are back, and what it takes.
 * `node test/bench/src/sessions/stampede.ts [SESSIONS]`, 4,000 when absent.
 */
import { startPostgres } from '@planton/database/testing';
import { highRates, type Platform, startPlatform } from '@planton/test-platform';
import { enrolMany } from './enrol-many.ts';
import type { Orders, Report } from './hold-sessions.ts';
import { type Child, forkChild, type Memory, memoryReporter, talkTo } from './talk-to-child.ts';

const total = Number(process.argv[2] ?? 4_000);
const CLIENTS = 4;
const say = (text: string) => process.stdout.write(`${text}\n`);
const seconds = (since: number) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function memoryOf(platform: Platform): Promise<string> {
  const child = platform.process();
  if (!child) throw new Error('the server does not run');
  const { rss } = await talkTo(child, 'the server').ask<Memory>('memory');
  return `${(rss / 1024 / 1024).toFixed(0)} MB resident`;
}

/** Splits the identities among client processes, each of which opens its part with this many at once. */
async function openAll(
  platform: Platform,
  clients: readonly Child[],
  order: Omit<OpenOrder, 'do'>,
): Promise<void> {
  const share = Math.ceil(order.certificates.length / clients.length);
  await Promise.all(
    clients.map((client, i) => {
      const certificates = order.certificates.slice(i * share, (i + 1) * share);
      return client.ask<Report>({ ...order, do: 'open', certificates } satisfies Orders);
    }),
  );
  const { runners } = await import('@planton/client').then(({ createPlanton }) =>
    createPlanton({ server: platform.url, apiKey: platform.ownerKey() }),
  );
  const { runners: listed } = await runners.listRunners({ org: 'bench', pageSize: 1000 });
  const online = listed.reduce((sum, { status }) => sum + (status?.onlineInstances ?? 0), 0);
  if (online < order.certificates.length) throw new Error(`only ${online} sessions are on record`);
}
type OpenOrder = Extract<Orders, { do: 'open' }>;

const postgres = await startPostgres({ durable: true });
const platform = await startPlatform({
  databaseUrl: postgres.url,
  channel: true,
  env: { ...memoryReporter, ...highRates },
  logLevel: 'warn',
});
const startClients = () =>
  Array.from({ length: CLIENTS }, () => forkChild(`${import.meta.dirname}/hold-sessions.ts`, [], {}));
let clients: Child[] = [];
try {
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'bench');
  let started = performance.now();
  const identities = await enrolMany(platform, 'stampede', total);
  say(`${total} instances enrolled in ${seconds(started)}; the server holds ${await memoryOf(platform)}`);

  const order = { url: `https://${platform.runnerAddress}`, ...identities, concurrency: 64 };
  clients = startClients();
  started = performance.now();
  await openAll(platform, clients, order);
  say(`${total} sessions opened in ${seconds(started)}; ${await memoryOf(platform)}`);

  await platform.end('SIGKILL');
  for (const client of clients) await client.stop();
  clients = startClients();
  await platform.start();
  started = performance.now();
  // Everyone at once, with no pause between them: what backoff spreads out in practice.
  await openAll(platform, clients, { ...order, concurrency: 1_000 });
  say(
    `after kill -9 and a restart all ${total} are back in ${seconds(started)}; ${await memoryOf(platform)}`,
  );
} finally {
  for (const client of clients) await client.stop();
  await platform.stop();
  await postgres.stop();
}
