import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import type { Platform } from './start-platform.ts';

const planton = join(import.meta.dirname, '../../../bin/planton');

/** Milliseconds that a runner may take to open its session. */
const START_LIMIT_MS = 60_000;

export interface RunnerOptions {
  /** Further arguments of `planton runner start`. */
  readonly args?: readonly string[];
  /** Further variables of its environment, such as its identity in AWS. */
  readonly env?: NodeJS.ProcessEnv;
  /** Whether to wait until its session is open; true when absent. */
  readonly wait?: boolean;
}

/** A runner in a process of its own, started as its operators start it. */
export interface RunnerProcess {
  readonly pid: number;
  log(): string;
  /** Whether its session is open. */
  isReady(): Promise<boolean>;
  /** Resolves once its session is open. */
  ready(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** How it ended, once it has. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Ends it with the signal and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
}

/** Starts `planton runner start` with the home folder of the platform's commands. */
export async function startRunner(platform: Platform, options: RunnerOptions = {}): Promise<RunnerProcess> {
  const health = `127.0.0.1:${await freePort()}`;
  const args = ['runner', 'start', '--health-listen', health, ...(options.args ?? [])];
  const child = spawn(planton, args, {
    env: { ...platform.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const runner = observe(child, health);
  if (options.wait !== false) {
    try {
      await runner.ready();
    } catch (error) {
      await runner.end('SIGKILL');
      throw error;
    }
  }
  return runner;
}

function observe(child: ChildProcess, health: string): RunnerProcess {
  let log = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal)),
  );
  const isReady = () =>
    fetch(`http://${health}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
  return {
    pid: child.pid ?? 0,
    log: () => log,
    isReady,
    ready: async () => {
      const deadline = Date.now() + START_LIMIT_MS;
      while (!(await isReady())) {
        if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline)
          throw new Error(`the runner did not get a session:\n${log}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    kill: (signal) => void child.kill(signal),
    ended,
    end: (signal = 'SIGTERM') => {
      child.kill(signal);
      return ended;
    },
  };
}
