import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

export interface DataDirLock {
  /** Idempotent. */
  release(): Promise<void>;
}

export class DataDirLockedError extends Error {
  override readonly name = 'DataDirLockedError';
  readonly dataDir: string;
  /** Absent in the moment between taking the lock and writing it down. */
  readonly pid: number | undefined;

  constructor(dataDir: string, pid: number | undefined) {
    const owner = pid === undefined ? 'another process' : `process ${pid}`;
    super(
      `the data directory ${dataDir} is in use by ${owner}: stop it first, or choose another data directory`,
    );
    this.dataDir = dataDir;
    this.pid = pid;
  }
}

/**
 * Takes a data directory for this process, creating it with mode 0700 (and setting that mode on one that exists).
 *
 * The lock is the operating system's own file lock, reached through SQLite, which is the one way Node has to it. The kernel drops it
 * when the process ends in any way, so nothing stale remains after `kill -9` and there is nothing to guess: a file with a process id
 * in it could be left behind, taken over by two at once, or name an id that was reused or belongs to another container. The id is
 * written beside it for the error message only.
 *
 * @throws DataDirLockedError when another process, or this one, has it already
 */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await chmod(dataDir, 0o700);
  const lockFile = join(dataDir, 'lock');
  const ownerFile = join(dataDir, 'lock.pid');

  const lock = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    lock.exec('begin exclusive');
    await chmod(lockFile, 0o600);
    await writeFile(ownerFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    lock.close();
    if (isBusy(error)) throw new DataDirLockedError(dataDir, await readOwner(ownerFile));
    throw error;
  }
  return {
    release: async () => {
      if (lock.isOpen) lock.close();
    },
  };
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

async function readOwner(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
}
