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
    { env = {}, stdin = '', interactive = false }: Setting = {},
  ): Promise<Outcome> => {
    const stdout = capture();
    const stderr = capture();
    const code = await run(args, {
      env: { ...base, ...env },
      stdin: Readable.from([Buffer.from(stdin)]),
      stdout: stdout.stream,
      stderr: stderr.stream,
      interactive,
      terminalOutput: false,
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
