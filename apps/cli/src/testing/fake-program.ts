import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program was started with, and the page that it was to show. */
export interface Start {
  readonly args: readonly string[];
  readonly page: string;
  /** Modes of the page and of its folder. */
  readonly modes: readonly number[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Puts a program into `folder/bin`, which tests put first into PATH. It notes how it was started and what is in the page that its last
 * argument names, then ends with `exitCode`.
 */
export function fakeProgram(folder: string, name: string, exitCode = 0) {
  const bin = join(folder, 'bin');
  const notes = join(folder, `${name}.json`);
  mkdirSync(bin, { recursive: true });
  const program = `#!${process.execPath}
const { readFileSync, statSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { fileURLToPath } = require('node:url');
const args = process.argv.slice(2);
const last = args.at(-1) ?? '';
const file = last.startsWith('file:') ? fileURLToPath(last) : last;
const modes = [file, dirname(file)].map((path) => statSync(path).mode & 0o777);
writeFileSync(${JSON.stringify(notes)}, JSON.stringify({ args, page: readFileSync(file, 'utf8'), modes, env: process.env }));
process.exit(${exitCode});
`;
  writeFileSync(join(bin, name), program);
  chmodSync(join(bin, name), 0o755);
  return {
    /** PATH with the program before all others. */
    path: `${bin}:${process.env.PATH ?? ''}`,
    /** How it was started; undefined where it was not. */
    started: (): Start | undefined =>
      existsSync(notes) ? JSON.parse(readFileSync(notes, 'utf8')) : undefined,
  };
}
