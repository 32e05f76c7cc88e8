import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import type { Surroundings } from '../terminal/terminal.ts';
import { configHome } from './config-home.ts';

/** Milliseconds after which a lock belongs to a process that has died: no work under it takes as long. */
const STALE_MS = 45_000;
const PAUSE_MS = 50;
const PATIENCE_MS = 60_000;

/** Does work that one process at a time may do, across all processes of the same configuration folder. */
export async function withLock<T>(cli: Surroundings, name: string, work: () => Promise<T>): Promise<T> {
  const path = join(configHome(cli), `${name}.lock`);
  await mkdir(configHome(cli), { recursive: true, mode: 0o700 });
  const began = performance.now();
  while (!(await tryLock(path))) {
    await removeStale(path);
    if (performance.now() - began > PATIENCE_MS) {
      throw new CliError(`another planton process holds ${path}`, {
        exitCode: exitCodes.unavailable,
        hint: `wait for it, or remove the lock with: rm ${path}`,
      });
    }
    await sleep(PAUSE_MS);
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await (await open(path, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Renaming takes a lock away from under nobody but one: of several that find it stale, one moves it. */
async function removeStale(path: string): Promise<void> {
  try {
    const { mtimeMs, ino } = await stat(path);
    if (Date.now() - mtimeMs < STALE_MS) return;
    const aside = `${path}.${randomUUID()}`;
    await rename(path, aside);
    const moved = await stat(aside);
    if (moved.ino === ino) await rm(aside, { force: true });
    else await rename(aside, path);
  } catch {
    // Its owner, or another process, was faster.
  }
}
