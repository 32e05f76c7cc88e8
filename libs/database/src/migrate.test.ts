import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { isUnavailable } from './classify-error.ts';
import type { Engine } from './engine.ts';
import { type Migration, MigrationError, migrate } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { engines, useTestEngine } from './testing/index.ts';

const createFirst: Migration = {
  name: '001_first',
  up: async (tx) => {
    await sql`create table first (uid text primary key)`.execute(tx);
  },
};
const createSecond: Migration = {
  name: '002_second',
  up: async (tx) => {
    await sql`create table second (uid text references first)`.execute(tx);
  },
};

async function tables(engine: Engine, schema: string): Promise<string[]> {
  const found = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = ${schema} order by 1`.execute(
    engine.kysely,
  );
  return found.rows.map((row) => row.name);
}

async function failure(promise: Promise<void>): Promise<MigrationError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(MigrationError);
  return error as MigrationError;
}

describe.each(engines)('migrate on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('applies what is missing, in order, once', async () => {
    await migrate(engine(), 'ordered', [createFirst]);
    await migrate(engine(), 'ordered', [createFirst, createSecond]);
    await migrate(engine(), 'ordered', [createFirst, createSecond]);
    expect(await tables(engine(), 'ordered')).toEqual(['first', 'migration', 'second']);
  });

  test('replicas that start at once apply each migration once', async () => {
    let runs = 0;
    const counted: Migration[] = [createFirst, createSecond].map((migration) => ({
      name: migration.name,
      up: async (tx) => {
        runs += 1;
        await migration.up(tx);
      },
    }));
    await Promise.all(Array.from({ length: 6 }, () => migrate(engine(), 'replicas', counted)));
    expect(runs).toBe(2);
  });

  test('a failed migration leaves nothing of itself, names itself, and is continued by the next start', async () => {
    const broken: Migration = {
      name: '002_second',
      up: async (tx) => {
        await createSecond.up(tx);
        await sql`select 1 / 0`.execute(tx);
      },
    };
    const error = await failure(migrate(engine(), 'broken', [createFirst, broken]));
    expect(error).toMatchObject({ reason: 'migration_failed', migration: '002_second' });
    expect(error.message).toContain('002_second');
    expect(error.message).toContain('start again');
    expect(isUnavailable(error)).toBe(false);
    expect(await tables(engine(), 'broken')).toEqual(['first', 'migration']);

    await migrate(engine(), 'broken', [createFirst, createSecond]);
    expect(await tables(engine(), 'broken')).toEqual(['first', 'migration', 'second']);
  });

  test('a database that a newer release migrated is refused', async () => {
    await migrate(engine(), 'newer', [createFirst, createSecond]);
    const error = await failure(migrate(engine(), 'newer', [createFirst]));
    expect(error).toMatchObject({ reason: 'database_newer', migration: '002_second' });
  });

  test('a database with another history is refused', async () => {
    await migrate(engine(), 'diverged', [createFirst]);
    const error = await failure(
      migrate(engine(), 'diverged', [{ ...createFirst, name: '001_other' }, createSecond]),
    );
    expect(error).toMatchObject({ reason: 'database_diverged', migration: '001_first' });
    expect(await tables(engine(), 'diverged')).toEqual(['first', 'migration']);
  });

  test('two migrations of one name are a mistake', async () => {
    await expect(migrate(engine(), 'twice', [createFirst, createFirst])).rejects.toThrow('same name');
  });

  test('a migration cannot use a connection other than its own', async () => {
    const outside = openDatabase<Record<string, never>>(engine(), 'outside');
    const error = await failure(
      migrate(engine(), 'outside', [
        { name: '001_outside', up: async () => void (await sql`select 1`.execute(outside.query)) },
      ]),
    );
    expect(error.message).toContain('use the `tx`');
  });

  test('the search path of a migration does not outlive it', async () => {
    await migrate(engine(), 'contained', [createFirst]);
    const after = await sql<{ path: string }>`select current_setting('search_path') as path`.execute(
      engine().kysely,
    );
    expect(after.rows[0]?.path).not.toContain('contained');
  });
});
