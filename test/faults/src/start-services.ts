import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlanton, type Planton } from '@planton/client';
import { startPostgres } from '@planton/database/testing';
import { freePort } from '@planton/test-platform';

export const serviceNames = ['identity', 'config-manager', 'runner-gateway', 'connection-service'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Each service as a process of its own, over the network, on one PostgreSQL. */
export interface Services {
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Where each service has a data dir under its name. */
  readonly folder: string;
  readonly databaseUrl: string;
  /** Calls each service at its own address. */
  as(credential: string): Planton;
  /** Calls as the owner of the instance. */
  readonly owner: Planton;
  /** Starts a service that was killed, and waits until it is ready. */
  start(name: ServiceName): Promise<void>;
  kill(name: ServiceName): Promise<void>;
  ready(name: ServiceName): Promise<void>;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../../..');
const node = join(root, 'node_modules/.bin/node');

export async function startServices(): Promise<Services> {
  const folder = mkdtempSync(join(tmpdir(), 'planton-alone-'));
  const postgres = await startPostgres({ durable: true });
  const children = new Map<ServiceName, ChildProcess>();
  let log = '';
  const free = async () => `http://127.0.0.1:${await freePort()}`;
  const urls = {
    identity: await free(),
    'config-manager': await free(),
    'connection-service': await free(),
    'runner-gateway': await free(),
  };
  const runnerListen = `127.0.0.1:${await freePort()}`;
  const masterKey = randomBytes(32).toString('base64');

  const ready = async (name: ServiceName) => {
    const deadline = Date.now() + 30_000;
    const answers = () =>
      fetch(`${urls[name]}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await answers())) {
      if (Date.now() > deadline) throw new Error(`${name} does not become ready:\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const start = async (name: ServiceName) => {
    const child = spawn(node, [join(root, 'apps', name, 'src/main.ts')], {
      env: {
        PATH: process.env.PATH,
        PLANTON_LISTEN: new URL(urls[name]).host,
        PLANTON_PUBLIC_URL: urls.identity,
        PLANTON_DATA_DIR: join(folder, name),
        PLANTON_DATABASE_URL: postgres.url,
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
    children.set(name, child);
    await ready(name);
  };
  const end = (child: ChildProcess, signal: NodeJS.Signals) =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  const stop = async () => {
    await Promise.all([...children.values()].map((child) => end(child, 'SIGTERM')));
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const as = (credential: string): Planton => {
    const at = (name: ServiceName) => createPlanton({ server: urls[name], apiKey: credential });
    return {
      identity: at('identity').identity,
      config: at('config-manager').config,
      connections: at('connection-service').connections,
      runners: at('runner-gateway').runners,
    };
  };

  try {
    mkdirSync(join(folder, 'identity'), { mode: 0o700 });
    for (const name of serviceNames) await start(name);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    urls,
    folder,
    databaseUrl: postgres.url,
    as,
    owner: as(readFileSync(join(folder, 'identity/bootstrap-api-key'), 'utf8').trim()),
    start,
    ready,
    kill: async (name) => {
      const child = children.get(name);
      if (child) await end(child, 'SIGKILL');
    },
    stop,
  };
}
