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
  let stdout = '';
  let stderr = '';
  const waiting: { text: string; resolve: () => void }[] = [];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk;
    for (const { text, resolve } of waiting) if (stdout.includes(text)) resolve();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk;
  });
  const ended = new Promise<Outcome & { signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? -1, signal, stdout, stderr }));
  });
  return {
    ended,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Waits for a text on standard output. */
    printed: (text: string) =>
      Promise.race([
        ended.then(({ stderr: said }) =>
          Promise.reject(new Error(`ended without printing ${text}: ${said}`)),
        ),
        stdout.includes(text)
          ? Promise.resolve()
          : new Promise<void>((resolve) => waiting.push({ text, resolve })),
      ]),
  };
}
