import type { Readable, Writable } from 'node:stream';

/** Everything a command may know of its surroundings. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Whether a person sits at both ends: only then anything is asked. */
  readonly interactive: boolean;
  /** Whether a person reads standard output. */
  readonly terminalOutput: boolean;
  readonly now: () => Date;
}

/** What commands talk through: data goes to standard output, talk to standard error. */
export interface Cli extends Surroundings {
  /** Options that every command takes. */
  readonly options: () => GlobalOptions;
  /** Ends the command with this exit code although nothing failed. */
  readonly exit: (code: number) => void;
}

export interface GlobalOptions {
  readonly server?: string;
  readonly org?: string;
}

/** Writes data to standard output. */
export function print(cli: Surroundings, text: string): void {
  cli.stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`);
}

/** Talks to the person on standard error. */
export function say(cli: Surroundings, text: string): void {
  cli.stderr.write(`${text}\n`);
}

/** A short word on standard error, in colour where a terminal and `NO_COLOR` allow it. */
export function paint(cli: Surroundings, style: 'red' | 'green' | 'cyan' | 'yellow', text: string): string {
  const codes = { red: 31, green: 32, yellow: 33, cyan: 36 };
  const plain = !cli.interactive || (cli.env.NO_COLOR ?? '') !== '' || cli.env.TERM === 'dumb';
  return plain ? text : `\u001b[${codes[style]}m${text}\u001b[0m`;
}

/** Says a warning. */
export function warn(cli: Surroundings, text: string): void {
  say(cli, `${paint(cli, 'yellow', 'warning:')} ${text}`);
}
