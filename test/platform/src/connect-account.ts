import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { CliResult } from './run-program.ts';
import type { Platform } from './start-platform.ts';

const planton = join(import.meta.dirname, '../../../bin/planton');
const LINK = /^https:\/\/console\.\S+$/m;
const LIMIT_MS = 180_000;

/** `planton connect aws` in a process of its own, as somebody types it who has no browser at hand. */
export interface Connecting {
  /** Resolves with the link that it prints; rejects where it ends without one. */
  readonly link: Promise<string>;
  readonly ended: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
}

export function connectAccount(platform: Pick<Platform, 'env'>, args: readonly string[]): Connecting {
  const child = spawn(planton, ['connect', 'aws', ...args], {
    env: platform.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
  });
  const ended = new Promise<CliResult>((resolve) =>
    child.once('close', (code) => resolve({ code: code ?? 137, stdout, stderr })),
  );
  const link = new Promise<string>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk;
      const found = LINK.exec(stderr)?.[0];
      // A line is whole once another has begun.
      if (found && stderr.includes(`${found}\n`)) resolve(found);
    });
    ended.then(({ code }) =>
      reject(new Error(`planton connect aws ended with ${code} and no link:\n${stderr}`)),
    );
  });
  link.catch(() => {});
  return { link, ended, kill: (signal) => void child.kill(signal) };
}
