import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kysely, sql } from 'kysely';
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

test.each([
  ['one query after another', (db: Kysely<unknown>) => sql`select 1`.execute(db)],
  [
    'one transaction after another',
    (db: Kysely<unknown>) => db.transaction().execute((tx) => sql`select 1`.execute(tx)),
  ],
  [
    'many at once',
    (db: Kysely<unknown>) => Promise.all(Array.from({ length: 10 }, () => sql`select 1`.execute(db))),
  ],
])('%s leaves room for timers and sockets', async (_, query) => {
  const engine = await openEmbedded();
  onTestFinished(() => engine.close());
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  onTestFinished(() => clearInterval(timer));
  for (let count = 0; count < 5_000 && turns < 3; count++) await query(engine.kysely);
  expect(turns).toBeGreaterThanOrEqual(3);
});

test('a long transaction leaves room for timers and sockets', async () => {
  const engine = await openEmbedded();
  onTestFinished(() => engine.close());
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  onTestFinished(() => clearInterval(timer));
  await engine.kysely.transaction().execute(async (tx) => {
    for (let count = 0; count < 5_000 && turns < 3; count++) await sql`select 1`.execute(tx);
  });
  expect(turns).toBeGreaterThanOrEqual(3);
});
