import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, type Engine, migrate, openDatabase } from '@planton/database';
import { engines, openTestEngine, stopTestServer } from '@planton/database/testing';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashKey, mintKey } from '../api-keys/mint-key.ts';
import { migrations } from '../migrations/index.ts';
import type { IdentityTables } from '../schema.ts';
import { bootstrapInstance } from './bootstrap-instance.ts';
import { createKeyFile, KeyFileRefused } from './keep-key-file.ts';
import { keepServiceKey } from './keep-service-key.ts';

afterAll(stopTestServer);

describe.each(engines)('bootstrap on %s', (kind) => {
  let engine: Engine;
  let database: Database<IdentityTables>;
  let folder: string;
  let ownerKeyFile: string;
  const ids = { newUid: randomUUID, randomBytes };

  beforeEach(async () => {
    engine = await openTestEngine(kind);
    await migrate(engine, 'identity', migrations);
    database = openDatabase<IdentityTables>(engine, 'identity');
    folder = await mkdtemp(join(tmpdir(), 'bootstrap-test-'));
    ownerKeyFile = join(folder, 'bootstrap-api-key');
  });
  afterEach(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  const start = (file = ownerKeyFile) => bootstrapInstance({ database, ...ids }, { ownerKeyFile: file });
  const keyIn = async (file: string) => (await readFile(file, 'utf8')).trim();
  const ownersOf = async (key: string) =>
    database.query
      .selectFrom('api_key')
      .innerJoin('subject', 'subject.uid', 'api_key.subject_uid')
      .select(['subject.name', 'subject.instance_owner'])
      .where('api_key.hash', '=', hashKey(key))
      .execute();
  const owner = [{ name: 'instance-owner', instance_owner: true }];

  test('the first start makes the owner and a private file, later ones nothing', async () => {
    expect(await start()).toEqual({ created: true });
    const key = await keyIn(ownerKeyFile);
    expect(await ownersOf(key)).toEqual(owner);
    expect((await stat(ownerKeyFile)).mode & 0o777).toBe(0o600);
    expect(await start()).toEqual({ created: false });
    expect(await keyIn(ownerKeyFile)).toBe(key);
    const services = await database.query
      .selectFrom('subject')
      .select('name')
      .where('kind', '=', 'service')
      .orderBy('name')
      .execute();
    expect(services.map(({ name }) => name)).toEqual([
      'config-manager',
      'connection-service',
      'runner-gateway',
    ]);
  });

  test('killed after the file was written: the next start registers its key', async () => {
    const key = mintKey(randomBytes);
    await createKeyFile(ownerKeyFile, key, randomUUID);
    expect(await start()).toEqual({ created: true });
    expect(await keyIn(ownerKeyFile)).toBe(key);
    expect(await ownersOf(key)).toEqual(owner);
  });

  test('the database fails in between: the next start uses the same file', async () => {
    const failing: Database<IdentityTables> = {
      ...database,
      transact: () => Promise.reject(new Error('the database went away')),
    };
    await expect(bootstrapInstance({ database: failing, ...ids }, { ownerKeyFile })).rejects.toThrow(
      'went away',
    );
    const key = await keyIn(ownerKeyFile);
    expect(await ownersOf(key)).toEqual([]);
    expect(await start()).toEqual({ created: true });
    expect(await ownersOf(key)).toEqual(owner);
  });

  test('an owner who moved the file away keeps it away', async () => {
    await start();
    await rm(ownerKeyFile);
    expect(await start()).toEqual({ created: false });
    await expect(stat(ownerKeyFile)).rejects.toThrow('ENOENT');
  });

  test('of replicas that start at once one makes the owner, and every file that is left is good', async () => {
    const files = [1, 2, 3, 4].map((number) => join(folder, `key-${number}`));
    const results = await Promise.all(files.map((file) => start(file)));
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    const left = await Promise.all(files.map((file) => keyIn(file).catch(() => undefined)));
    const keys = left.filter((key) => key !== undefined);
    expect(keys).toHaveLength(1);
    expect(await ownersOf(keys[0] ?? '')).toEqual(owner);
  });

  test('replicas that share the file share the key', async () => {
    const results = await Promise.all([start(), start(), start()]);
    expect(results.filter(({ created }) => created)).toHaveLength(1);
    expect(await ownersOf(await keyIn(ownerKeyFile))).toEqual(owner);
  });

  test.each([
    ['holds something else', 'hello\n', 0o600],
    ['is open to others', `${mintKey(randomBytes)}\n`, 0o644],
  ])('a file that %s is refused, untouched', async (_what, text, mode) => {
    await writeFile(ownerKeyFile, text);
    await chmod(ownerKeyFile, mode);
    const error = await start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KeyFileRefused);
    expect(String(error)).toContain(ownerKeyFile);
    expect(String(error)).not.toContain(text.trim());
    expect(await readFile(ownerKeyFile, 'utf8')).toBe(text);
  });

  test('a folder that is not there is named', async () => {
    await expect(start(join(folder, 'missing', 'key'))).rejects.toThrow(/make its directory/);
  });

  test("a service's key is made once, and again when its file is gone", async () => {
    await start();
    const path = join(folder, 'connection-service');
    const keep = () => keepServiceKey({ database, ...ids }, 'connection-service', path);
    await Promise.all([keep(), keep()]);
    const first = await keyIn(path);
    await keep();
    expect(await keyIn(path)).toBe(first);
    expect(await ownersOf(first)).toEqual([{ name: 'connection-service', instance_owner: false }]);
    await rm(path);
    await keep();
    expect(await keyIn(path)).not.toBe(first);
    expect(await ownersOf(await keyIn(path))).toHaveLength(1);
    await expect(keepServiceKey({ database, ...ids }, 'intruder', join(folder, 'x'))).rejects.toThrow(
      'intruder',
    );
  });
});
