/**
 * What the platform costs beyond the bare library, as ratios measured in one run: absolute figures move with the machine.
 * Everything runs on loopback, against a PostgreSQL of its own with its usual durability.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import { startPostgres } from '@planton/database/testing';
import { type Platform, platformAccount, startPlatform } from '@planton/test-platform';
import { calls, connectHeaders } from './calls.ts';
import { connectByTrust, customerAccount, TRUST } from './credentials/connect-by-trust.ts';
import { countStsCalls } from './credentials/count-sts-calls.ts';
import { compareGuard } from './guard/compare-guard.ts';
import { measureStarts, median } from './measure-start.ts';
import { type Call, generator, measureThroughput } from './measure-throughput.ts';
import { preparePlatform } from './prepare-platform.ts';
import { print } from './print-figure.ts';
import { compareOperations } from './sessions/compare-operations.ts';
import { compareSessions } from './sessions/compare-sessions.ts';
import { memoryReporter } from './sessions/talk-to-child.ts';
import { shareServers } from './share-servers.ts';

const ROUNDS = 5;
const REQUESTS = 8_000;
const COLD_REQUESTS = 1_000;
const root = join(import.meta.dirname, '../../..');
const node = join(root, 'node_modules/.bin/node');
const bundle = join(root, 'apps/cli/dist/planton.mjs');

async function startEcho(kind: 'connect' | 'grpc-js'): Promise<{ url: string; stop: () => void }> {
  const child = spawn(node, [join(import.meta.dirname, 'serve-echo.ts'), kind], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim()));
    child.once('exit', () => reject(new Error(`the ${kind} echo did not start`)));
  });
  return { url, stop: () => child.kill() };
}

async function compareColdSessions(platform: Platform, simulator: AwsSimulator): Promise<void> {
  const counted = await countStsCalls(
    simulator,
    calls.issueCredentials(targetOf(platform), TRUST, 'production'),
    COLD_REQUESTS,
  );
  print('1,000 cold requests, one connection', `${counted} STS calls`, 'goal 1');
}

const targetOf = (platform: Platform) => ({ url: platform.url, apiKey: platform.ownerKey() });

async function compareThroughput(platform: Platform): Promise<void> {
  const echo = await startEcho('connect');
  const grpc = await startEcho('grpc-js');
  try {
    const whoAmI = '/planton.identity.v1.Identity/WhoAmI';
    const base: Call = { url: echo.url, path: whoAmI, headers: connectHeaders, body: new Uint8Array() };
    const grpcHeaders = { 'content-type': 'application/grpc', te: 'trailers' };
    const target = targetOf(platform);
    const measured: readonly (readonly [name: string, call: Call, goal: string])[] = [
      [
        'empty grpc-js echo',
        { url: grpc.url, path: whoAmI, headers: grpcHeaders, body: new Uint8Array(5) },
        'for the record',
      ],
      ['ResolveConnection', calls.resolveConnection(target), 'goal ≥ 0.50, reach 0.80'],
      ['AccessSecret', calls.accessSecret(target), 'goal ≥ 0.30'],
      ['IssueCredentials (inline)', calls.issueCredentials(target, ''), 'goal ≥ 0.25'],
      ['IssueCredentials (trust, warm)', calls.issueCredentials(target, TRUST), 'goal ≥ 0.40'],
    ];
    for (const call of [base, ...measured.map(([, call]) => call)])
      await measureThroughput(call, REQUESTS / 4);
    const rates = measured.map((): number[] => []);
    const baseRates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const baseRate = await measureThroughput(base, REQUESTS);
      baseRates.push(baseRate);
      for (const [i, [, call]] of measured.entries())
        rates[i]?.push((await measureThroughput(call, REQUESTS)) / baseRate);
    }
    print(
      'empty connect-node echo',
      `${Math.round(median(baseRates))} req/s`,
      `the measure; ${generator}, 8 × 16 streams, h2c`,
    );
    for (const [i, [name, , goal]] of measured.entries())
      print(name, `${median(rates[i] ?? []).toFixed(2)} × echo`, goal);
  } finally {
    echo.stop();
    grpc.stop();
  }
}

function compareStarts(platform: Platform): void {
  const bundled = spawnSync(node, [join(root, 'apps/cli/scripts/bundle.ts')], { stdio: 'inherit' });
  if (bundled.status !== 0) throw new Error('the command line could not be bundled');
  const [bare = 0, version = 0, get = 0] = measureStarts(
    [
      { program: node, args: ['-e', '0'] },
      { program: node, args: [bundle, 'version'] },
      { program: node, args: [bundle, 'get', 'AwsProviderConnection', 'bench'], env: platform.env },
    ],
    21,
  );
  print('node -e 0', `${bare.toFixed(0)} ms`, 'the measure');
  print('planton version', `${(version / bare).toFixed(2)} × node`, 'goal ≤ 1.60');
  print('planton get', `${(get / bare).toFixed(2)} × node`, 'goal ≤ 3.00');
}

async function measureReadiness(): Promise<void> {
  const embedded = await startPlatform();
  try {
    const times: number[] = [];
    for (let round = 0; round < 3; round++) {
      await embedded.end('SIGTERM');
      const started = performance.now();
      await embedded.start();
      times.push(performance.now() - started);
    }
    print('ready on a warm data dir (embedded)', `${(median(times) / 1000).toFixed(2)} s`, 'goal ≤ 2.00');
  } finally {
    await embedded.stop();
  }
}

const postgres = await startPostgres({ durable: true });
// Whoever opens a link is signed in to the first account.
const simulator = await startAwsSimulator({ accounts: [customerAccount, platformAccount] });
try {
  const shared = shareServers(postgres.url, simulator);
  const env = (url: string) => ({ ...memoryReporter, ...shared.env(url) });
  const platform = await startPlatform({ ...shared, channel: true, env });
  try {
    await preparePlatform(platform);
    // First: what other work leaves free in the process would hide what sessions take.
    await compareSessions(platform, print);
    await connectByTrust(platform, simulator);
    await compareColdSessions(platform, simulator);
    await compareThroughput(platform);
    compareStarts(platform);
    await compareOperations(platform, postgres.url, print);
    await compareGuard(platform, shared, print);
  } finally {
    await platform.stop();
  }
  await measureReadiness();
} finally {
  await simulator.stop();
  await postgres.stop();
}
