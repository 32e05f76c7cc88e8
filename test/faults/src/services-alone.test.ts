import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlanton, type Planton } from '@planton/client';
import { startPostgres } from '@planton/database/testing';
import { freePort } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signInAsOwner } from './sign-in-as-owner.ts';

// Each service as a process of its own, over the network, on PostgreSQL: the same calls as in one process.

const root = join(import.meta.dirname, '../../..');
const node = join(root, 'node_modules/.bin/node');
const folder = mkdtempSync(join(tmpdir(), 'planton-alone-'));
const children: ChildProcess[] = [];
let log = '';
let postgres: Awaited<ReturnType<typeof startPostgres>> | undefined;
let planton: Planton;
let urls: Record<'identity' | 'config-manager' | 'connection-service' | 'runner-gateway', string>;

const ready = async (url: string) => {
  const deadline = Date.now() + 30_000;
  const answers = () =>
    fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await answers())) {
    if (Date.now() > deadline) throw new Error(`${url} does not become ready:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

let runnerListen: string;
const masterKey = randomBytes(32).toString('base64');
async function startService(name: keyof typeof urls): Promise<void> {
  const child = spawn(node, [join(root, 'apps', name, 'src/main.ts')], {
    env: {
      PATH: process.env.PATH,
      PLANTON_LISTEN: new URL(urls[name]).host,
      PLANTON_PUBLIC_URL: urls.identity,
      PLANTON_DATA_DIR: join(folder, name),
      PLANTON_DATABASE_URL: postgres?.url,
      PLANTON_MASTER_KEY_SOURCE: 'env:TEST_MASTER_KEY',
      TEST_MASTER_KEY: masterKey,
      PLANTON_IDENTITY_URL: urls.identity,
      PLANTON_CONFIG_MANAGER_URL: urls['config-manager'],
      PLANTON_RUNNER_GATEWAY_URL: urls['runner-gateway'],
      PLANTON_RUNNER_LISTEN: runnerListen,
      PLANTON_SERVICE_KEY_FILE: join(folder, 'identity/service-keys', `${name}.key`),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  children.push(child);
  await ready(urls[name]);
}

beforeAll(async () => {
  postgres = await startPostgres({ durable: true });
  const free = async () => `http://127.0.0.1:${await freePort()}`;
  urls = {
    identity: await free(),
    'config-manager': await free(),
    'connection-service': await free(),
    'runner-gateway': await free(),
  };
  runnerListen = `127.0.0.1:${await freePort()}`;
  mkdirSync(join(folder, 'identity'), { mode: 0o700 });
  await startService('identity');
  await startService('config-manager');
  await startService('runner-gateway');
  await startService('connection-service');
  const apiKey = readFileSync(join(folder, 'identity/bootstrap-api-key'), 'utf8').trim();
  const at = (name: keyof typeof urls) => createPlanton({ server: urls[name], apiKey });
  planton = {
    identity: at('identity').identity,
    config: at('config-manager').config,
    connections: at('connection-service').connections,
    runners: at('runner-gateway').runners,
  };
}, 120_000);

afterAll(async () => {
  const ended = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(ended);
  await postgres?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('a connection is made, resolved and issued across the processes', async () => {
  const org = { org: 'acme' };
  await planton.identity.createOrganization({ slug: 'acme' });
  await planton.identity.createEnvironment({ ...org, slug: 'production' });
  await planton.config.setSecret({ ...org, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  await planton.config.setSecret({
    ...org,
    slug: 'key',
    entries: { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  });
  await planton.connections.applyConnection({
    ...org,
    connection: {
      kind: {
        case: 'aws',
        value: {
          apiVersion: 'connect.planton.ai/v1',
          kind: 'AwsProviderConnection',
          metadata: { name: 'main' },
          spec: {
            accountId: { source: { case: 'value', value: '123456789012' } },
            region: { source: { case: 'value', value: 'us-west-2' } },
            accessKeyId: { secret: 'key-id' },
            secretAccessKey: { secret: 'key' },
          },
        },
      },
    },
  });
  const spec = { provider: 'aws', connection: 'main' };
  const manifest = { apiVersion: 'connect.planton.ai/v1', kind: 'DefaultProviderConnection', spec };
  await planton.connections.setDefaultProviderConnection({ ...org, default: manifest });
  const { credentials } = await planton.connections.issueCredentials({ ...org, environment: 'production' });
  expect(credentials.value?.accessKeyId).toBe('AKIAIOSFODNN7EXAMPLE');
  const { usages } = await planton.config.listUsages({ ...org, target: { case: 'secret', value: 'key' } });
  expect(usages).toMatchObject([{ owner: { slug: 'main' }, confirmed: true }]);
});

test('a person who signed in works in every process, and in none a moment after the sign-out', async () => {
  const link = readFileSync(join(folder, 'identity/owner-setup-link'), 'utf8').trim();
  const person = await signInAsOwner(link);
  const at = (name: keyof typeof urls) => createPlanton({ server: urls[name], apiKey: person.access });
  const org = { org: 'acme' };
  const calls = {
    identity: () => at('identity').identity.whoAmI({}),
    'config-manager': () => at('config-manager').config.accessSecret({ ...org, slug: 'key' }),
    'connection-service': () => at('connection-service').connections.listConnections(org),
    'runner-gateway': () => at('runner-gateway').runners.listRunners(org),
  };
  for (const call of Object.values(calls)) await call();
  await person.signOut();
  const ended = performance.now();
  const refusedAfter = await Promise.all(
    Object.values(calls).map(async (call) => {
      for (;;) {
        const asked = performance.now() - ended;
        const refused = await call().then(
          () => false,
          (error: unknown) => {
            expect(String(error)).toContain('unauthenticated');
            return true;
          },
        );
        if (refused) return asked;
        // A second is promised; this machine may have other things to do as well.
        if (asked > 5000) throw new Error('the sign-out does not arrive');
      }
    }),
  );
  expect(Math.max(...refusedAfter)).toBeLessThan(5000);
  await planton.identity.whoAmI({});
});

test('while identity is gone, secrets stay in; when it is back, they come out again', async () => {
  const [identity] = children.splice(0, 1);
  const gone = new Promise((resolve) => identity?.once('exit', resolve));
  identity?.kill('SIGKILL');
  await gone;
  const access = () => planton.config.accessSecret({ org: 'acme', slug: 'key' });
  const deadline = Date.now() + 15_000;
  let refused = false;
  while (!refused && Date.now() < deadline) {
    refused = await access().then(
      () => false,
      () => true,
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await expect(access()).rejects.toMatchObject({ rawMessage: expect.stringContaining('revoked') });
  await startService('identity');
  await ready(urls['config-manager']);
  expect((await access()).entries.value).toContain('EXAMPLEKEY');
}, 60_000);
