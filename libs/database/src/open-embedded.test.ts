import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { DataDirLockedError } from './lock-data-dir.ts';
import { openEmbedded } from './open-embedded.ts';

async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'planton-embedded-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test('data survive kill -9 of the process that wrote them, and its lock does not', async () => {
  const dataDir = join(await temporaryDir(), 'data');
  const writer = `
    import { sql } from 'kysely';
    import { openEmbedded } from ${JSON.stringify(import.meta.resolve('./open-embedded.ts'))};
    const engine = await openEmbedded({ dataDir: ${JSON.stringify(dataDir)} });
    await sql\`create table kept (value int)\`.execute(engine.kysely);
    await sql\`insert into kept values (42)\`.execute(engine.kysely);
    process.stdout.write('written');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');

  const refused = await openEmbedded({ dataDir }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(DataDirLockedError);
  expect(refused).toMatchObject({ pid: child.pid, message: expect.stringContaining(`process ${child.pid}`) });

  child.kill('SIGKILL');
  await once(child, 'exit');
  const engine = await openEmbedded({ dataDir });
  onTestFinished(() => engine.close());
  const kept = await sql<{ value: number }>`select value from kept`.execute(engine.kysely);
  expect(kept.rows).toEqual([{ value: 42 }]);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  expect((await stat(join(dataDir, 'postgres'))).mode & 0o777).toBe(0o700);
});

test('a cluster whose making was interrupted is made anew', async () => {
  const dataDir = await temporaryDir();
  await mkdir(join(dataDir, 'postgres.new'));
  await writeFile(join(dataDir, 'postgres.new', 'PG_VERSION'), '18\n');
  const engine = await openEmbedded({ dataDir });
  onTestFinished(() => engine.close());
  await engine.ping();
});
