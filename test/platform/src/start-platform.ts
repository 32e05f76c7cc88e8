import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { type CliOptions, type CliResult, runProgram } from './run-program.ts';

const root = join(import.meta.dirname, '../../..');
const planton = join(root, 'bin/planton');

/** Milliseconds that a server may take to become ready; the first start makes the database. */
const START_LIMIT_MS = 60_000;

export interface PlatformOptions {
  readonly databaseUrl?: string;
  /** Base64 of 32 bytes, for servers that share a PostgreSQL; random when absent. */
  readonly masterKey?: string;
  /** What runners dial, where that is not the server's own port for them, such as a proxy in front of several. */
  readonly runnerPublicAddress?: string;
  readonly logLevel?: string;
  /** Gives the server's process a channel, for programs that are loaded before it and tell what they measure. */
  readonly channel?: boolean;
  /** Hears the log while it is written, from before the server is ready. */
  readonly onLog?: (text: string) => void;
  /** Further variables for the server's environment; a function of the server's URL where they depend on it. */
  readonly env?: NodeJS.ProcessEnv | ((url: string) => NodeJS.ProcessEnv);
}

/** A server of its own, started as its users start it, with a command line that is set up to reach it. */
export interface Platform {
  readonly url: string;
  /** `HOST:PORT` where the server listens for runners. */
  readonly runnerAddress: string;
  readonly dataDir: string;
  /** The home folder of whoever types the commands; `PLANTON_CONFIG_HOME` is in it. */
  readonly home: string;
  /** The process of the running server; undefined while there is none. */
  process(): ChildProcess | undefined;
  /** What the server has written to its log since the first start. */
  log(): string;
  /** The environment that commands run in. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs `planton` with the arguments. */
  cli(args: readonly string[], options?: Partial<CliOptions>): Promise<CliResult>;
  /** Runs `planton` and returns what it wrote; rejects with what it said when it fails. */
  planton(...args: string[]): Promise<string>;
  /** Signs the home in with the key of the instance owner. */
  signInAsOwner(): Promise<void>;
  ownerKey(): string;
  /** Ends the server with the signal and waits for its end; resolves with its exit code or signal. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  /** Starts it again on the same data. */
  start(extraEnv?: NodeJS.ProcessEnv): Promise<void>;
  /** Ends the server and deletes everything. */
  stop(): Promise<void>;
}

/** Starts a server in a temporary folder on a free port of the loopback address and waits until it is ready. */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'planton-test-'));
  const dataDir = join(folder, 'server');
  const home = join(folder, 'home');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const runnerAddress = `127.0.0.1:${await freePort()}`;
  const path = { PATH: process.env.PATH };
  const env: NodeJS.ProcessEnv = {
    ...path,
    HOME: home,
    PLANTON_SERVER: url,
    PLANTON_CONFIG_HOME: join(home, '.planton'),
    NO_COLOR: '1',
  };
  // A master key is made automatically for an embedded database alone.
  const database = options.databaseUrl && {
    PLANTON_DATABASE_URL: options.databaseUrl,
    PLANTON_MASTER_KEY_SOURCE: 'env:TEST_MASTER_KEY',
    TEST_MASTER_KEY: options.masterKey ?? randomBytes(32).toString('base64'),
  };
  const further = typeof options.env === 'function' ? options.env(url) : options.env;
  let log = '';
  let child: ChildProcess | undefined;

  const start = async (extraEnv: NodeJS.ProcessEnv = {}) => {
    const started = spawn(planton, ['server', 'start'], {
      env: {
        ...path,
        HOME: home,
        PLANTON_LISTEN: `127.0.0.1:${port}`,
        PLANTON_RUNNER_LISTEN: runnerAddress,
        ...(options.runnerPublicAddress && { PLANTON_RUNNER_PUBLIC_ADDRESS: options.runnerPublicAddress }),
        PLANTON_DATA_DIR: dataDir,
        PLANTON_LOG_LEVEL: options.logLevel ?? 'info',
        ...database,
        ...further,
        ...extraEnv,
      },
      stdio: options.channel ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    });
    child = started;
    let own = '';
    const collect = (chunk: Buffer) => {
      own += chunk;
      options.onLog?.(String(chunk));
      log += chunk;
    };
    started.stdout?.on('data', collect);
    started.stderr?.on('data', collect);
    const deadline = Date.now() + START_LIMIT_MS;
    while (!(await isReady(url))) {
      if (started.exitCode !== null || started.signalCode !== null || Date.now() > deadline) {
        started.kill('SIGKILL');
        throw new Error(`the server did not start:\n${own}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  const end = async (signal: NodeJS.Signals) => {
    const ending = child;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return ending?.exitCode ?? null;
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
      ending.once('close', (code, by) => resolve(code ?? by)),
    );
    ending.kill(signal);
    return ended;
  };

  const cli: Platform['cli'] = (args, given = {}) =>
    runProgram(planton, args, { cwd: folder, env, ...given });
  const ownerKey = () => readFileSync(join(dataDir, 'bootstrap-api-key'), 'utf8').trim();
  const platform: Platform = {
    url,
    runnerAddress,
    dataDir,
    home,
    env,
    process: () => (child?.exitCode === null && child.signalCode === null ? child : undefined),
    log: () => log,
    cli,
    planton: async (...args) => {
      const { code, stdout, stderr } = await cli(args);
      if (code !== 0) throw new Error(`planton ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
      return stdout;
    },
    signInAsOwner: async () => {
      const { code, stderr } = await cli([
        'auth',
        'login',
        '--api-key-file',
        join(dataDir, 'bootstrap-api-key'),
      ]);
      if (code !== 0) throw new Error(stderr);
    },
    ownerKey,
    end,
    start,
    stop: async () => {
      await end('SIGTERM');
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
    },
  };

  try {
    await start();
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return platform;
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
}
