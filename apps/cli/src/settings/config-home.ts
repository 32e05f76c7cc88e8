import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors/cli-error.ts';
import type { Surroundings } from '../terminal/terminal.ts';

/** The folder that holds the CLI's files. */
export function configHome({ env }: Surroundings): string {
  return env.PLANTON_CONFIG_HOME || join(env.HOME || homedir(), '.planton');
}

/** Reads a JSON object of the folder; an absent file is an empty object. */
export async function readConfig(cli: Surroundings, file: string): Promise<Record<string, unknown>> {
  const path = join(configHome(cli), file);
  let text: string;
  try {
    // At once: a trip to another thread takes longer than so small a file.
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return {};
    throw new CliError(`cannot read ${path}: ${reasonOf(error)}`, { exitCode: 1 });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below: the parser's own message quotes the text, which may be a key.
  }
  throw new CliError(`${path} is damaged`, { exitCode: 1, hint: `remove it with: rm ${path}` });
}

/** Writes a JSON object so that a reader sees the old or the new file, never a part; only the owner can read it. */
export async function writeConfig(cli: Surroundings, file: string, value: object): Promise<void> {
  const folder = configHome(cli);
  const path = join(folder, file);
  const temporary = `${path}.${randomUUID()}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new CliError(`cannot write ${path}: ${reasonOf(error)}`, {
      exitCode: 1,
      hint: 'name a folder that you can write to in PLANTON_CONFIG_HOME',
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}
