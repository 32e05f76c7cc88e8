import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { quoteWord } from '../output/quote-word.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Whether this machine has the program that gives others a pseudo-terminal: `script` of util-linux. */
export const hasTerminal =
  spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') === true;

/** The CLI in a process of its own at a pseudo-terminal, both ends of it. */
export function spawnAtTerminal(args: readonly string[], env: Readonly<Record<string, string>>) {
  const command = [process.execPath, main, ...args].map(quoteWord).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    env: { TERM: 'xterm', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let shown = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk;
    for (const look of waiting) look();
  });
  const ended = new Promise<{ readonly code: number | null; readonly shown: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, shown })),
  );
  return {
    ended,
    /** Types keys, such as `\r` for Enter and `\u0003` for Ctrl-C. */
    type: (keys: string) => void child.stdin.write(keys),
    /** Waits until the terminal has been sent a text. */
    shows: (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (shown.includes(text)) resolve();
        };
        waiting.add(look);
        look();
        ended.then(() => reject(new Error(`ended without showing ${text}: ${shown}`)));
      }),
  };
}
