import { constants } from 'node:fs';
import { type FileHandle, link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isApiKey } from '../api-keys/mint-key.ts';

/** More than a key and a line's end: a longer file is not a key file. */
const LONGEST_FILE = 256;

/** Thrown for a key file that cannot be used; the message names the file and the cure, never the content. */
export class KeyFileRefused extends Error {
  override readonly name = 'KeyFileRefused';
}

/**
 * The key in the file, or nothing if there is no such file.
 *
 * @throws KeyFileRefused when the file holds no key or other users may read it
 */
export async function readKeyFile(path: string): Promise<string | undefined> {
  // Without O_NONBLOCK a named pipe in its place would stop the start for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new KeyFileRefused(`the key file ${path} cannot be read (${codeOf(error)})`, { cause: error });
  });
  if (!file) return undefined;
  try {
    await assertPrivate(file, path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_FILE), 0, LONGEST_FILE, 0);
    const key = buffer.toString('latin1', 0, bytesRead).trim();
    if (isApiKey(key)) return key;
    throw new KeyFileRefused(`${path} does not hold an API key: move it away and start again`);
  } finally {
    await file.close();
  }
}

/**
 * Writes a key file of mode 0600, whole or not at all, and never over another.
 *
 * @returns the key that the file holds now: the given one, or that of a file that appeared meanwhile
 */
export async function createKeyFile(path: string, key: string, newUid: () => string): Promise<string> {
  const fresh = `${path}.${newUid()}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(`${key}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(fresh, path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await syncDirectory(dirname(path));
  } catch (error) {
    throw new KeyFileRefused(
      `the key file ${path} cannot be written (${codeOf(error)}): make its directory, writable for this user`,
      { cause: error },
    );
  } finally {
    await rm(fresh, { force: true });
  }
  return (await readKeyFile(path)) ?? key;
}

async function assertPrivate(file: FileHandle, path: string): Promise<void> {
  const { mode } = await file.stat();
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
    throw new KeyFileRefused(`the key file ${path} is not a regular file`);
  }
  if ((mode & 0o077) !== 0) {
    throw new KeyFileRefused(`the key file ${path} is open to other users: run: chmod 600 ${path}`);
  }
}

/** A link survives a power cut only once the directory is on disk. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : 'unknown error';
}
