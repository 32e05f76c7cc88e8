import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeyringError } from './keyring-error.ts';

const LONGEST_FILE = 1024;

/**
 * The text of a key file, or nothing if there is no such file.
 *
 * What is checked is what is read: the opened file, not its path.
 *
 * @throws KeyringError `master_key_permissions`, `master_key_malformed`
 */
export async function readKeyFile(path: string): Promise<string | undefined> {
  // Without O_NONBLOCK a named pipe in its place would stop the start for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw unreadable(path, error);
  });
  if (file === undefined) return undefined;
  try {
    await assertPrivate(file, path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_FILE), 0, LONGEST_FILE, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    buffer.fill(0);
    return text;
  } finally {
    await file.close();
  }
}

/**
 * Writes a key file of mode 0600, whole or not at all, and never over another: if one appears meanwhile, that one stays and counts.
 *
 * @throws KeyringError `master_key_permissions` when the directory does not allow it
 */
export async function createKeyFile(path: string, text: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(`${text}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(fresh, path).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    await syncDirectory(dirname(path));
  } catch (error) {
    throw new KeyringError(
      'master_key_permissions',
      `the master key file ${path} cannot be created (${codeOf(error)}): make its directory, writable for this user`,
    );
  } finally {
    await rm(fresh, { force: true });
  }
}

async function assertPrivate(file: FileHandle, path: string): Promise<void> {
  const { mode, uid } = await file.stat();
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
    throw new KeyringError('master_key_malformed', `the master key ${path} is not a regular file`);
  }
  if ((mode & 0o077) !== 0) {
    throw new KeyringError(
      'master_key_permissions',
      `the master key file ${path} is open to other users (mode ${(mode & 0o777).toString(8)}): run: chmod 600 ${path}`,
    );
  }
  const self = process.getuid?.();
  if (self !== undefined && uid !== self && uid !== 0) {
    throw new KeyringError(
      'master_key_permissions',
      `the master key file ${path} belongs to another user (uid ${uid}), who can replace it: run: chown ${self} ${path}`,
    );
  }
}

/** A rename or link survives a power cut only once the directory is on disk. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function unreadable(path: string, error: unknown): KeyringError {
  return new KeyringError(
    'master_key_permissions',
    `the master key file ${path} cannot be read (${codeOf(error)}): check that this user owns it and may enter its directory`,
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : 'unknown error';
}
