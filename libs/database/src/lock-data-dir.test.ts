import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DataDirLockedError, lockDataDir } from './lock-data-dir.ts';

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'planton-lock-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Resolves once another process has tried: `locked` or `refused`. */
async function lockElsewhere(dir: string) {
  const script = `
    import { lockDataDir } from ${JSON.stringify(import.meta.resolve('./lock-data-dir.ts'))};
    await lockDataDir(${JSON.stringify(dir)}).then(
      () => { process.stdout.write('locked'); setInterval(() => {}, 1000); },
      () => { process.stdout.write('refused'); },
    );
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [outcome] = await once(child.stdout, 'data');
  return { child, outcome: String(outcome) };
}

test('a second process is refused and told who holds it; after kill -9 it takes over', async () => {
  const dir = await temporaryDir();
  const { child, outcome } = await lockElsewhere(dir);
  expect(outcome).toBe('locked');

  const refused = await lockDataDir(dir).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(DataDirLockedError);
  expect(refused).toMatchObject({ dataDir: dir, pid: child.pid });

  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await lockDataDir(dir);
  await lock.release();
});

test('of many processes that race for one directory exactly one gets it', async () => {
  const dir = await temporaryDir();
  const racers = await Promise.all(Array.from({ length: 4 }, () => lockElsewhere(dir)));
  expect(racers.map((racer) => racer.outcome).sort()).toEqual(['locked', 'refused', 'refused', 'refused']);
});

test('one process cannot take it twice, and can again after releasing', async () => {
  const dir = await temporaryDir();
  const lock = await lockDataDir(dir);
  await expect(lockDataDir(dir)).rejects.toThrow(`process ${process.pid}`);
  await lock.release();
  await lock.release();
  await (await lockDataDir(dir)).release();
});

test('a stale or nonsensical process id on disk does not matter', async () => {
  const dir = await temporaryDir();
  for (const text of [String(process.ppid), 'nonsense', '-1', '']) {
    await writeFile(join(dir, 'lock.pid'), text);
    await (await lockDataDir(dir)).release();
  }
});

test('the directory is 0700 and its files 0600, whatever they were', async () => {
  const dir = await temporaryDir();
  await chmod(dir, 0o755);
  const lock = await lockDataDir(join(dir, 'deep', 'data'));
  onTestFinished(() => lock.release());
  const mode = async (path: string) => (await stat(join(dir, 'deep', 'data', path))).mode & 0o777;
  expect([await mode('.'), await mode('lock'), await mode('lock.pid')]).toEqual([0o700, 0o600, 0o600]);
});
