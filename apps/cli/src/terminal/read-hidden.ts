import type { Readable } from 'node:stream';
import { CliError } from '../errors/cli-error.ts';
import { readStdin } from './read-stdin.ts';
import { type Surroundings, say } from './terminal.ts';

interface TerminalInput extends Readable {
  readonly setRawMode: (raw: boolean) => unknown;
}

const [ctrlC, ctrlD, backspace, lineFeed, enter, deleteKey] = [3, 4, 8, 10, 13, 127] as const;

/**
 * Reads standard input as `readStdin` does, but what a person types at a terminal is not shown. Ctrl-D ends, Ctrl-C gives up
 * with a `CliError`. The terminal is as it was when the promise settles.
 */
export async function readHidden(cli: Surroundings, limit: number): Promise<Buffer> {
  const { stdin } = cli;
  if (!isTerminal(stdin)) return readStdin(cli, limit);
  say(cli, 'reading from the terminal without showing what is typed; end with Ctrl-D');
  const typed: number[] = [];
  stdin.setRawMode(true);
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false }))
      if (type(typed, Buffer.from(chunk)) || typed.length > limit) break;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
  return Buffer.from(typed.slice(0, limit + 1));
}

function isTerminal(stdin: Readable): stdin is TerminalInput {
  return 'isTTY' in stdin && stdin.isTTY === true && 'setRawMode' in stdin;
}

/** Does what the keys say, which a terminal in raw mode leaves to its reader; answers whether they end the text. */
function type(typed: number[], keys: Iterable<number>): boolean {
  for (const key of keys) {
    if (key === ctrlC) throw new CliError('interrupted', { exitCode: 130 });
    if (key === ctrlD) return true;
    if (key === backspace || key === deleteKey) eraseCharacter(typed);
    else typed.push(key === enter ? lineFeed : key);
  }
  return false;
}

/** The bytes of a character after its first are 0b10… in UTF-8. */
function eraseCharacter(typed: number[]): void {
  let erased = typed.pop();
  while (erased !== undefined && (erased & 0b1100_0000) === 0b1000_0000) erased = typed.pop();
}
