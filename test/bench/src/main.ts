/**
 * What the platform costs beyond the bare library, as ratios measured in one run: absolute figures move with the machine.
 * Everything runs on loopback, against a PostgreSQL of its own with its usual durability.
 */
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { AccessSecretRequestSchema } from '@planton/api/config/v1/config_manager_service';
import {
  IssueCredentialsRequestSchema,
  ResolveConnectionRequestSchema,
} from '@planton/api/connect/v1/connection_service';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import { startPostgres } from '@planton/database/testing';
import { inAws, type Platform, platformAccount, startPlatform } from '@planton/test-platform';
import { connectByTrust, customerAccount, TRUST } from './credentials/connect-by-trust.ts';
import { countStsCalls } from './credentials/count-sts-calls.ts';
import { measureStarts, median } from './measure-start.ts';
import { type Call, generator, measureThroughput } from './measure-throughput.ts';
import { compareOperations } from './sessions/compare-operations.ts';
import { compareSessions } from './sessions/compare-sessions.ts';
import { memoryReporter } from './sessions/talk-to-child.ts';

const ROUNDS = 5;
const REQUESTS = 8_000;
const COLD_REQUESTS = 1_000;
const root = join(import.meta.dirname, '../../..');
const node = join(root, 'node_modules/.bin/node');
const bundle = join(root, 'apps/cli/dist/planton.mjs');

const print = (name: string, figure: string, goal = '') =>
  process.stdout.write(`${name.padEnd(44)}${figure.padStart(16)}  ${goal}\n`);

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

const connectHeaders = { 'content-type': 'application/proto', 'connect-protocol-version': '1' };

function rpc<S extends DescMessage>(
  platform: Platform,
  method: string,
  schema: S,
  message: MessageInitShape<S>,
): Call {
  const headers = { ...connectHeaders, authorization: `Bearer ${platform.ownerKey()}` };
  return { url: platform.url, path: method, headers, body: toBinary(schema, create(schema, message)) };
}

async function prepare(platform: Platform): Promise<void> {
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'bench');
  await platform.planton('env', 'create', 'production');
  await platform.planton('secret', 'set', 'key-id', 'value=AKIAIOSFODNN7EXAMPLE');
  await platform.planton('secret', 'set', 'key', 'value=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
  const manifest = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata: { name: bench }
spec:
  account_id: { value: "123456789012" }
  region: { value: us-west-2 }
  access_key_id: { secret: key-id }
  secret_access_key: { secret: key }
`;
  const { code, stderr } = await platform.cli(['apply', '-f', '-'], { input: manifest });
  if (code !== 0) throw new Error(stderr);
  await platform.planton('connection', 'default', 'set', '--provider', 'aws', '--connection', 'bench');
}

function issueCredentials(platform: Platform, connection: string, environment = ''): Call {
  const path = '/planton.connect.v1.ConnectionService/IssueCredentials';
  return rpc(platform, path, IssueCredentialsRequestSchema, {
    org: 'bench',
    provider: 'aws',
    connection,
    environment,
  });
}

async function compareColdSessions(platform: Platform, simulator: AwsSimulator): Promise<void> {
  const calls = await countStsCalls(
    simulator,
    issueCredentials(platform, TRUST, 'production'),
    COLD_REQUESTS,
  );
  print('1,000 cold requests, one connection', `${calls} STS calls`, 'goal 1');
}

async function compareThroughput(platform: Platform): Promise<void> {
  const echo = await startEcho('connect');
  const grpc = await startEcho('grpc-js');
  try {
    const whoAmI = '/planton.identity.v1.Identity/WhoAmI';
    const base: Call = { url: echo.url, path: whoAmI, headers: connectHeaders, body: new Uint8Array() };
    const grpcHeaders = { 'content-type': 'application/grpc', te: 'trailers' };
    const resolve = rpc(
      platform,
      '/planton.connect.v1.ConnectionService/ResolveConnection',
      ResolveConnectionRequestSchema,
      { org: 'bench', provider: 'aws', environment: 'production' },
    );
    const access = rpc(platform, '/planton.config.v1.ConfigManager/AccessSecret', AccessSecretRequestSchema, {
      org: 'bench',
      slug: 'key',
    });
    const calls: readonly (readonly [name: string, call: Call, goal: string])[] = [
      [
        'empty grpc-js echo',
        { url: grpc.url, path: whoAmI, headers: grpcHeaders, body: new Uint8Array(5) },
        'for the record',
      ],
      ['ResolveConnection', resolve, 'goal ≥ 0.50, reach 0.80'],
      ['AccessSecret', access, 'goal ≥ 0.30'],
      ['IssueCredentials (inline)', issueCredentials(platform, ''), 'goal ≥ 0.25'],
      ['IssueCredentials (trust, warm)', issueCredentials(platform, TRUST), 'goal ≥ 0.40'],
    ];
    for (const call of [base, ...calls.map(([, call]) => call)]) await measureThroughput(call, REQUESTS / 4);
    const rates = calls.map((): number[] => []);
    const baseRates: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const baseRate = await measureThroughput(base, REQUESTS);
      baseRates.push(baseRate);
      for (const [i, [, call]] of calls.entries())
        rates[i]?.push((await measureThroughput(call, REQUESTS)) / baseRate);
    }
    print(
      'empty connect-node echo',
      `${Math.round(median(baseRates))} req/s`,
      `the measure; ${generator}, 8 × 16 streams, h2c`,
    );
    for (const [i, [name, , goal]] of calls.entries())
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
  const identity = inAws(simulator);
  const env = (url: string) => ({ ...memoryReporter, ...identity(url) });
  const platform = await startPlatform({ databaseUrl: postgres.url, channel: true, env });
  try {
    await prepare(platform);
    // First: what other work leaves free in the process would hide what sessions take.
    await compareSessions(platform, print);
    await connectByTrust(platform, simulator);
    await compareColdSessions(platform, simulator);
    await compareThroughput(platform);
    compareStarts(platform);
    await compareOperations(platform, postgres.url, print);
  } finally {
    await platform.stop();
  }
  await measureReadiness();
} finally {
  await simulator.stop();
  await postgres.stop();
}
