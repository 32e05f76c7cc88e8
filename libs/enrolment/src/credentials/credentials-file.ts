import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { EnrolmentError } from '../errors/enrolment-error.ts';
import { unusableAnswer } from '../errors/unusable-answer.ts';
import { formatCredentials, isSlug, parseCredentials, type RunnerCredentials } from './credentials.ts';

/** Bytes. Credentials with ten authorities have about 10 KB. */
const LARGEST_FILE = 256 * 1024;

/** A credentials file and whom its path names. */
export interface FoundCredentials {
  readonly file: string;
  readonly org: string;
  readonly runner: string;
}

/**
 * Where the credentials of a runner are kept: `<configHome>/org/<org>/runner/<runner>/credentials.json`.
 *
 * @throws EnrolmentError `ANSWER_UNUSABLE` for what is no slug and would be a path of its own
 */
export function credentialsFile(configHome: string, org: string, runner: string): string {
  if (!isSlug(org) || !isSlug(runner))
    throw unusableAnswer('the organisation or the runner has no usable slug');
  return join(configHome, 'org', org, 'runner', runner, 'credentials.json');
}

/** Lists the credentials files under a configuration folder, by path. What cannot be listed is passed over. */
export async function findCredentials(configHome: string): Promise<readonly FoundCredentials[]> {
  const found: FoundCredentials[] = [];
  for (const org of await listSlugs(join(configHome, 'org'))) {
    for (const runner of await listSlugs(join(configHome, 'org', org, 'runner'))) {
      const file = credentialsFile(configHome, org, runner);
      const names = await readdir(dirname(file)).catch((): string[] => []);
      if (names.includes(basename(file))) found.push({ file, org, runner });
    }
  }
  return found;
}

/**
 * Reads credentials. The file has to be its owner's alone, since it holds the private key.
 *
 * @throws EnrolmentError `CREDENTIALS_MISSING`, `CREDENTIALS_EXPOSED`, `CREDENTIALS_UNREADABLE` or `CREDENTIALS_DAMAGED`
 */
export async function readCredentials(file: string): Promise<RunnerCredentials> {
  return parseCredentials(await readOwnFile(file), file);
}

async function readOwnFile(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY).catch((error: unknown) => {
    throw explain(error, file);
  });
  try {
    const { mode, size } = await handle.stat();
    if ((mode & 0o077) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, '0');
      throw new EnrolmentError(
        'file',
        'CREDENTIALS_EXPOSED',
        `${file} holds a private key and others may read it (mode ${found})`,
        { hint: `chmod 600 ${file}` },
      );
    }
    if (size > LARGEST_FILE)
      throw new EnrolmentError('file', 'CREDENTIALS_DAMAGED', `${file} is no credentials file`);
    return await handle.readFile('utf8');
  } catch (error) {
    throw error instanceof EnrolmentError ? error : explain(error, file);
  } finally {
    await handle.close();
  }
}

/**
 * Writes credentials so that a crash leaves the old or the new ones, never a part, and only the owner can read them. Folders that
 * are missing are made.
 *
 * @throws EnrolmentError `CREDENTIALS_UNWRITABLE`
 */
export async function writeCredentials(file: string, credentials: RunnerCredentials): Promise<void> {
  const folder = dirname(file);
  const temporary = join(folder, `.${basename(file)}.${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(formatCredentials(credentials));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(error, file);
  }
}

/**
 * Finds out whether credentials could be written, before a token is spent on them.
 *
 * @throws EnrolmentError `CREDENTIALS_UNWRITABLE`
 */
export async function checkWritable(file: string): Promise<void> {
  const folder = dirname(file);
  const temporary = join(folder, `.${basename(file)}.${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await (await open(temporary, 'wx', 0o600)).close();
    await rm(temporary);
  } catch (error) {
    throw unwritable(error, file);
  }
}

/** The new name survives a power loss once its folder is on disk. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function listSlugs(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).filter(isSlug).sort();
}

function unwritable(error: unknown, file: string): EnrolmentError {
  return new EnrolmentError(
    'file',
    'CREDENTIALS_UNWRITABLE',
    `${file} cannot be written (${codeOf(error)})`,
    {
      hint: 'name a place that the runner can write to with --credentials-file or PLANTON_CONFIG_HOME',
      cause: error,
    },
  );
}

function explain(error: unknown, file: string): EnrolmentError {
  return codeOf(error) === 'ENOENT'
    ? new EnrolmentError('file', 'CREDENTIALS_MISSING', `${file} does not exist`, {
        hint: 'make credentials with: planton runner register --name NAME --yes',
      })
    : new EnrolmentError('file', 'CREDENTIALS_UNREADABLE', `${file} cannot be read (${codeOf(error)})`, {
        hint: `ls -l ${file}`,
        cause: error,
      });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}
