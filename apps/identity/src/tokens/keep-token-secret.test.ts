import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, openDatabase } from '@planton/database';
import { engines, openTestEngine, stopTestServer } from '@planton/database/testing';
import { type MasterKey, openMasterKey, parseMasterKeySource } from '@planton/keyring';
import { DomainError } from '@planton/rpc';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { IdentityTables } from '../schema.ts';
import { keepTokenSecret } from './keep-token-secret.ts';

describe.each(engines)('the secret of signing keys on %s', (kind) => {
  let engine: Engine;
  let folder: string;
  let old: MasterKey;
  let young: MasterKey;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'token-secret-test-'));
    const make = (name: string) =>
      openMasterKey(parseMasterKeySource(`file:${join(folder, name)}`), { createIfMissing: true });
    [old, young] = [await make('old.key'), await make('young.key')];
  });
  beforeEach(async () => {
    engine = await openTestEngine(kind);
  });
  afterEach(() => engine.close());
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await stopTestServer();
  });

  test('is made once, however many replicas start at once, and stored wrapped', async () => {
    const secrets = await Promise.all([1, 2, 3].map(() => keepTokenSecret(engine, { master: old })));
    expect(new Set(secrets).size).toBe(1);
    expect(Buffer.from(secrets[0] ?? '', 'base64')).toHaveLength(32);
    expect(await keepTokenSecret(engine, { master: old })).toBe(secrets[0]);
    const { query } = openDatabase<IdentityTables>(engine, 'identity');
    const rows = await query.selectFrom('token_secret').selectAll().execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]?.wrapped.includes(Buffer.from(secrets[0] ?? '', 'base64'))).toBe(false);
  });

  test('stays the same through a rotation of the master key, which the previous one is needed for once', async () => {
    const secret = await keepTokenSecret(engine, { master: old });
    const wrong = await keepTokenSecret(engine, { master: young }).catch((thrown: unknown) => thrown);
    expect(wrong).toBeInstanceOf(DomainError);
    expect(wrong).toMatchObject({ reason: 'MASTER_KEY_WRONG' });
    expect(await keepTokenSecret(engine, { master: old })).toBe(secret);

    expect(await keepTokenSecret(engine, { master: young, previous: old })).toBe(secret);
    expect(await keepTokenSecret(engine, { master: young })).toBe(secret);
    await expect(keepTokenSecret(engine, { master: old })).rejects.toThrow('wrong master key');
  });
});
