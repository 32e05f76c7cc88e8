import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPlanton, type Planton } from '@planton/client';
import { openPostgres } from '@planton/database';
import { startPostgres } from '@planton/database/testing';
import {
  highRates,
  type NetworkProxy,
  type Platform,
  type RunnerOptions,
  type RunnerProcess,
  startPlatform,
  startProxy,
  startRunner,
} from '@planton/test-platform';
import { sql } from 'kysely';

/** Servers on one PostgreSQL behind one address for runners, and a pool of runners. */
export interface Cluster {
  readonly servers: readonly Platform[];
  /** What runners dial: it passes connections on to the servers in turns. */
  readonly proxy: NetworkProxy;
  /** A pool token of the runner `pool`. */
  readonly token: string;
  /** Clients of each server, in the order of `servers`, in the name of the owner. */
  readonly clients: readonly Planton[];
  /** Starts an instance of the runner `pool` with a home of its own. */
  startInstance(name: string, options?: RunnerOptions): Promise<RunnerProcess>;
  /** Rows of a statement on the database. */
  rows<Row>(statement: string): Promise<Row[]>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL, the servers and the proxy, and registers the runner `pool` in the organisation `acme`. */
export async function startCluster(size: number, env: NodeJS.ProcessEnv = {}): Promise<Cluster> {
  const stopping: (() => unknown)[] = [];
  const stop = async () => {
    for (const end of stopping.splice(0).reverse()) await end();
  };
  try {
    const postgres = await startPostgres({ durable: true });
    stopping.push(() => postgres.stop());
    const folder = mkdtempSync(join(tmpdir(), 'planton-cluster-'));
    stopping.push(() => rmSync(folder, { recursive: true, force: true }));
    const proxy = await startProxy([]);
    stopping.push(() => proxy.stop());
    const masterKey = randomBytes(32).toString('base64');
    const servers: Platform[] = [];
    for (let i = 0; i < size; i++) {
      const server = await startPlatform({
        databaseUrl: postgres.url,
        masterKey,
        runnerPublicAddress: proxy.address,
        // Tokens of one replica are good at the others.
        env: { ...highRates, PLANTON_PUBLIC_URL: servers[0]?.url ?? '', ...env },
      });
      stopping.push(() => server.stop());
      servers.push(server);
    }
    proxy.route(servers.map(({ runnerAddress }) => runnerAddress));
    const [first] = servers;
    if (!first) throw new Error('a cluster has at least one server');
    const apiKey = first.ownerKey();
    const clients = servers.map(({ url }) => createPlanton({ server: url, apiKey }));
    await first.signInAsOwner();
    await first.planton('org', 'create', 'acme');
    await first.planton('runner', 'register', '--name', 'pool');
    const token = (await first.planton('runner', 'token', 'create', 'pool', '--pool')).trim();

    const engine = openPostgres({ url: postgres.url, applicationName: 'cluster-test', poolSize: 2 });
    stopping.push(() => engine.close());
    return {
      servers,
      proxy,
      token,
      clients,
      startInstance: async (name, options = {}) => {
        const runner = await startRunner(first, {
          ...options,
          env: {
            PLANTON_CONFIG_HOME: join(folder, name),
            PLANTON_RUNNER_TOKEN: token,
            ...options.env,
          },
        });
        stopping.push(() => runner.end('SIGKILL'));
        return runner;
      },
      rows: async <Row>(statement: string) => {
        const { rows } = await sql.raw<Row>(statement).execute(engine.kysely);
        return rows;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
