import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from './wait-for.ts';

/** A runner in a process of its own. */
export interface SpawnedRunner {
  readonly child: ChildProcess;
  /** What it wrote, either way. */
  output(): string;
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Where it answers for its health, once it says so. */
  health(): Promise<string>;
  /** Resolves once it is ready. */
  ready(): Promise<void>;
}

/** What Node compiled is kept from start to start, which halves the time that each takes. */
const compiled = mkdtempSync(join(tmpdir(), 'planton-runner-compiled-'));
process.once('exit', () => rmSync(compiled, { recursive: true, force: true }));
const program = fileURLToPath(new URL('../main.ts', import.meta.url));

export function spawnRunner(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  options: Pick<SpawnOptions, 'stdio' | 'uid' | 'gid' | 'cwd'> & {
    readonly program?: string;
    /** Node, where another user cannot reach the one that runs this. */
    readonly node?: string;
  } = {},
): SpawnedRunner {
  const { program: other, node = process.execPath, ...others } = options;
  const child = spawn(node, [other ?? program, ...args], {
    env: { PATH: process.env.PATH, ...(other ? {} : { NODE_COMPILE_CACHE: compiled }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...others,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  // Not `close`: where the channel was ended from this side, it does not come.
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  );
  const drained = [child.stdout, child.stderr].map(
    (stream) => stream && new Promise<void>((resolve) => stream.once('close', () => resolve())),
  );
  const ended = Promise.all([exited, ...drained]).then(([code]) => code);
  const health = () =>
    waitFor(`the health endpoint in: ${output}`, () => /"url":"(http:[^"]+)"/.exec(output)?.[1]);
  return {
    child,
    output: () => output,
    ended,
    health,
    ready: async () => {
      const url = await health();
      await waitFor('readiness', async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok);
    },
  };
}
