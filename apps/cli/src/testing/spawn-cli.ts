import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './run-cli.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** The CLI in a process of its own. */
export function spawnCli(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [main, ...args], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const written = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.on('data', (chunk: Buffer) => {
      written[name] += chunk;
      for (const look of waiting) look();
    });
  const ended = new Promise<Outcome & { signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? -1, signal, ...written }));
  });
  const waitFor = (name: 'stdout' | 'stderr', text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (written[name].includes(text)) resolve();
      };
      waiting.add(look);
      look();
      ended.then(() => reject(new Error(`ended without ${text} on ${name}: ${written.stderr}`)), reject);
    });
  return {
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Waits for a text on standard output. */
    printed: (text: string) => waitFor('stdout', text),
    /** Waits for a text on standard error. */
    said: (text: string) => waitFor('stderr', text),
  };
}
