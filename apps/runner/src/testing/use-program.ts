import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialsFile, writeCredentials } from '@planton/enrolment';
import { afterEach, beforeEach } from 'vitest';
import { type SpawnedRunner, spawnRunner } from './spawn-runner.ts';
import type { RunnerRig } from './use-runner.ts';

/** Starts the runner's program as its operators do; what was started ends with the test. */
export interface ProgramRig {
  /** The home folder of whoever starts it. */
  readonly home: string;
  /** Starts it with a health endpoint and the test's server. */
  spawn(
    args: readonly string[],
    env?: NodeJS.ProcessEnv,
    options?: Parameters<typeof spawnRunner>[2],
  ): SpawnedRunner;
  /** Puts credentials where `planton runner register` puts them; answers the file. */
  register(): Promise<string>;
}

export function useProgram(rig: () => RunnerRig): () => ProgramRig {
  let program: ProgramRig | undefined;
  let running: SpawnedRunner[] = [];

  beforeEach(() => {
    const home = mkdtempSync(join(tmpdir(), 'planton-runner-'));
    program = {
      home,
      spawn: (args, env = {}, options = {}) => {
        const given = { HOME: home, PLANTON_SERVER: rig().service.url, ...env };
        const spawned = spawnRunner(['--health-listen', '127.0.0.1:0', ...args], given, options);
        running.push(spawned);
        return spawned;
      },
      register: async () => {
        const file = credentialsFile(join(home, '.planton'), 'acme', 'runner-1');
        await writeCredentials(file, await rig().enrolled());
        return file;
      },
    };
  });
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    running = [];
    if (program) rmSync(program.home, { recursive: true, force: true });
  });
  return () => {
    if (!program) throw new Error('there is no program outside a test');
    return program;
  };
}
