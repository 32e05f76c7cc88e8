import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { run } from '../program/run.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Setting {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer;
  readonly interactive?: boolean;
  /** What a person at the terminal answers, question by question; after the last the input ends. Implies `interactive`. */
  readonly answers?: readonly string[];
  /** The terminal that standard output is, if it is one. */
  readonly terminal?: { readonly columns: number; readonly rows: number };
}

/** A CLI with a configuration folder of its own, without a terminal, that is removed when the test ends. */
export function cliAt(server: string, { signedIn = true }: { signedIn?: boolean } = {}) {
  const home = mkdtempSync(join(tmpdir(), 'planton-cli-test-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const base = {
    HOME: home,
    PATH: process.env.PATH ?? '',
    PLANTON_CONFIG_HOME: join(home, 'config'),
    PLANTON_SERVER: server,
    ...(signedIn ? { PLANTON_API_KEY: 'test-key' } : {}),
  };
  const cli = async (
    args: readonly string[],
    { env = {}, stdin = '', interactive = false, answers, terminal }: Setting = {},
  ): Promise<Outcome> => {
    const stdout = capture();
    const stderr = capture();
    const person = answers && answerPrompts(stderr.stream, answers);
    const code = await run(args, {
      env: { ...base, ...env },
      stdin: person ?? Readable.from([Buffer.from(stdin)]),
      stdout: Object.assign(stdout.stream, terminal),
      stderr: stderr.stream,
      interactive: interactive || person !== undefined,
      terminalOutput: terminal !== undefined,
      now: () => new Date('2026-03-01T12:00:00Z'),
    });
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  };
  return { cli, home, env: base };
}

function capture() {
  const chunks: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** The keyboard of a person who answers when a question is complete. */
function answerPrompts(stderr: PassThrough, answers: readonly string[]): Readable {
  const keyboard = new PassThrough();
  const left = [...answers];
  stderr.on('data', (chunk: Buffer) => {
    if (!/\[(Y\/n|y\/N)\] $/.test(chunk.toString())) return;
    const answer = left.shift();
    if (answer === undefined) keyboard.end();
    else keyboard.write(`${answer}\n`);
  });
  return keyboard;
}
