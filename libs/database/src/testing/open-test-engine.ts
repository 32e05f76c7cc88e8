import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import type { Engine, EngineKind } from '../engine.ts';
import { openEmbedded } from '../open-embedded.ts';
import { openPostgres, type PostgresSettings } from '../open-postgres.ts';
import { type PostgresServer, startPostgres } from './start-postgres.ts';

export const engines: readonly EngineKind[] = ['pglite', 'postgres'];

export type TestEngineOptions = Partial<Omit<PostgresSettings, 'url'>>;

/**
 * A fresh, empty database that is gone when the engine is closed. Half a second on PGlite, a tenth on PostgreSQL, whose server this
 * process starts once, at the first call.
 *
 * In a vitest suite prefer `useTestEngine`, which also cleans up.
 */
export function openTestEngine(kind: EngineKind, options: TestEngineOptions = {}): Promise<Engine> {
  return kind === 'pglite' ? openMemoryEngine() : openServerEngine(options);
}

/** Ends the PostgreSQL server that `openTestEngine` started, if any. The next call starts another. */
export async function stopTestServer(): Promise<void> {
  const starting = server;
  server = undefined;
  await starting?.then(
    (running) => running.stop(),
    () => {},
  );
}

let template: Promise<Blob> | undefined;
let server: Promise<PostgresServer> | undefined;

async function openMemoryEngine(): Promise<Engine> {
  template ??= readTemplate();
  return openEmbedded({ template: await template });
}

/** Making a cluster takes seconds, loading one takes half of one: it is made once on a machine and kept for each PGlite version. */
async function readTemplate(): Promise<Blob> {
  const manifest = join(
    dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite')),
    '../package.json',
  );
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const folder = join(tmpdir(), `planton-pglite-${userInfo().uid}`);
  const file = join(folder, `${version}.tar`);
  if (!existsSync(file)) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const pglite = await PGlite.create();
    const dump = await pglite.dumpDataDir('none');
    await pglite.close();
    const fresh = `${file}.${randomUUID()}`;
    await writeFile(fresh, Buffer.from(await dump.arrayBuffer()), { mode: 0o600 });
    await rename(fresh, file);
  }
  return new Blob([await readFile(file)]);
}

async function openServerEngine(options: TestEngineOptions): Promise<Engine> {
  server ??= startPostgres();
  const { url, databaseUrl } = await server;
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await administer(url, `create database ${name}`);
  const engine = openPostgres({ applicationName: 'test', ...options, url: databaseUrl(name) });
  let closing: Promise<void> | undefined;
  return {
    ...engine,
    close: () => {
      closing ??= engine.close().then(() => administer(url, `drop database ${name} with (force)`));
      return closing;
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
