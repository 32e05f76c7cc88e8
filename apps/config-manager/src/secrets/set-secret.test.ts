import { engines, useTestEngine } from '@planton/database/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refusalOf, startConfigManager, type TestConfigManager } from '../testing/start-config-manager.ts';

describe.each(engines)('SetSecret on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());

  test('creates a secret, and says nothing of its values', async () => {
    const org = config.newOrg();
    const client = await config.as({ org, name: 'ada' });
    const { secret, changed } = await client.setSecret({
      org: org.slug,
      slug: 'db',
      entries: { user: 'root', password: 'correct horse' },
    });
    expect(changed).toBe(true);
    expect(secret).toMatchObject({
      slug: 'db',
      org: 'acme',
      environment: '',
      currentVersion: 1,
      keys: ['password', 'user'],
    });
    expect(
      JSON.stringify(secret, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain('horse');

    const { versions } = await client.listSecretVersions({ org: org.slug, slug: 'db' });
    expect(versions).toMatchObject([{ version: 1, createdBy: 'ada', keys: ['password', 'user'] }]);
  });

  test('stores no value in the clear', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    await client.setSecret({ org: org.slug, slug: 'db', entries: { value: 'a-value-to-look-for' } });
    const rows = await config.database.query
      .selectFrom('secret_entry')
      .innerJoin('secret_version', 'secret_version.uid', 'secret_entry.version_uid')
      .selectAll()
      .where('organization_uid', '=', org.uid)
      .execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]?.ciphertext?.toString('latin1')).not.toContain('a-value-to-look-for');
    expect(JSON.stringify(config.log)).not.toContain('a-value-to-look-for');
  });

  test('setting the same again changes nothing, setting other entries makes a version', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const set = (entries: Record<string, string>, merge = false) =>
      client.setSecret({ org: org.slug, slug: 'db', entries, merge });
    const first = await set({ a: '1', b: '2' });
    const again = await set({ b: '2', a: '1' });
    expect(again.changed).toBe(false);
    expect(again.secret).toEqual(first.secret);
    expect(await set({ a: '1' })).toMatchObject({
      changed: true,
      secret: { currentVersion: 2, keys: ['a'] },
    });
    expect(await set({ c: '3' }, true)).toMatchObject({
      changed: true,
      secret: { currentVersion: 3, keys: ['a', 'c'] },
    });
    expect(await set({ c: '3' }, true)).toMatchObject({ changed: false, secret: { currentVersion: 3 } });
    const { entries } = await client.accessSecret({ org: org.slug, slug: 'db' });
    expect(entries).toEqual({ a: '1', c: '3' });
  });

  test('keeps every value as it is', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const entries = {
      empty: '',
      nul: '\0',
      unicode: '🔑 ключ',
      lines: 'a\r\nb\n',
      long: 'x'.repeat(65536),
      constructor: 'c',
    };
    await client.setSecret({ org: org.slug, slug: 'odd', entries });
    expect((await client.accessSecret({ org: org.slug, slug: 'odd' })).entries).toEqual(entries);
  });

  test('keeps levels and organisations apart', async () => {
    const org = config.newOrg();
    config.addEnvironment(org, 'prod');
    const client = await config.as({ org });
    await client.setSecret({ org: org.slug, slug: 'db', entries: { value: 'of the organisation' } });
    const absent = await refusalOf(client.accessSecret({ org: org.slug, environment: 'prod', slug: 'db' }));
    expect(absent).toMatchObject({
      kind: 'missing',
      reason: 'SECRET_NOT_FOUND',
      hint: 'planton secret list --env prod',
    });
    await client.setSecret({ org: org.slug, environment: 'prod', slug: 'db', entries: { value: 'of prod' } });
    const { entries } = await client.accessSecret({ org: org.slug, slug: 'db' });
    expect(entries).toEqual({ value: 'of the organisation' });

    const stranger = await config.as({ org: config.newOrg() });
    expect(await refusalOf(stranger.accessSecret({ org: 'acme', slug: 'db' }))).toMatchObject({
      reason: 'SECRET_NOT_FOUND',
    });
  });

  test('refuses an etag that is not the latest', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const set = (value: string, etag: string) =>
      client.setSecret({ org: org.slug, slug: 'db', entries: { value }, etag });
    expect(await refusalOf(set('0', 'made-up'))).toMatchObject({ kind: 'stale', reason: 'STALE_ETAG' });
    const first = await set('1', '');
    const second = await set('2', first.secret?.etag ?? '');
    expect(second.secret?.etag).not.toBe(first.secret?.etag);
    expect(await refusalOf(set('3', first.secret?.etag ?? ''))).toMatchObject({ reason: 'STALE_ETAG' });
  });

  test('refuses what is too large, merged or not', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const entries = (from: number, count: number, size: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${from + i}`, 'x'.repeat(size)]));
    const set = (given: Record<string, string>, merge = false) =>
      client.setSecret({ org: org.slug, slug: 'big', entries: given, merge });
    expect(await refusalOf(set(entries(0, 9, 65536)))).toMatchObject({
      kind: 'invalid',
      reason: 'SECRET_TOO_LARGE',
    });
    expect(await refusalOf(set(entries(0, 65, 1)))).toMatchObject({ reason: 'VALIDATION_FAILED' });
    expect(await refusalOf(set({ value: 'x'.repeat(65537) }))).toMatchObject({ reason: 'VALIDATION_FAILED' });
    await set(entries(0, 60, 1));
    expect(await refusalOf(set(entries(60, 5, 1), true))).toMatchObject({ reason: 'SECRET_TOO_LARGE' });
    await set(entries(0, 7, 65536));
    expect(await refusalOf(set(entries(7, 1, 65536), true))).toMatchObject({ reason: 'SECRET_TOO_LARGE' });
    expect((await client.getSecret({ org: org.slug, slug: 'big' })).secret?.currentVersion).toBe(2);
  });

  test('twenty at once get versions 1 to 20', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        client.setSecret({ org: org.slug, slug: 'busy', entries: { value: `v${i}` } }),
      ),
    );
    const versions = answers.map(({ secret }) => secret?.currentVersion ?? 0).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(new Set(answers.map(({ secret }) => secret?.uid)).size).toBe(1);
    const keys = await config.database.query
      .selectFrom('organization_key')
      .selectAll()
      .where('organization_uid', '=', org.uid)
      .execute();
    expect(keys).toHaveLength(1);
  });

  test('merges at once lose nothing', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const names = Array.from({ length: 10 }, (_, i) => `k${i}`);
    await Promise.all(
      names.map((name) =>
        client.setSecret({ org: org.slug, slug: 'shared', entries: { [name]: name }, merge: true }),
      ),
    );
    const { entries } = await client.accessSecret({ org: org.slug, slug: 'shared' });
    expect(entries).toEqual(Object.fromEntries(names.map((name) => [name, name])));
  });

  test.each([
    ['an upper-case slug', { slug: 'DB' }],
    ['no slug', { slug: '' }],
    ['a slug that is a path', { slug: '../db' }],
    ['a slug with a NUL', { slug: 'a\0b' }],
    ['no entries', { entries: {} }],
    ['a key with a space', { entries: { 'a b': '1' } }],
    ['a key with a NUL', { entries: { 'a\0': '1' } }],
  ])('refuses %s', async (_, part) => {
    const org = config.newOrg();
    const client = await config.as({ org });
    const error = await refusalOf(
      client.setSecret({ org: org.slug, slug: 'db', entries: { a: '1' }, ...part }),
    );
    expect(error).toMatchObject({ kind: 'invalid', reason: 'VALIDATION_FAILED' });
  });

  test.each(['viewer', 'deployer'] as const)('is not for a %s', async (role) => {
    const org = config.newOrg();
    const client = await config.as({ org, role });
    const error = await refusalOf(client.setSecret({ org: org.slug, slug: 'db', entries: { value: '1' } }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'PERMISSION_DENIED' });
  });

  test('a role limited to one environment writes there alone', async () => {
    const org = config.newOrg();
    const dev = config.addEnvironment(org, 'dev');
    config.addEnvironment(org, 'prod');
    const client = await config.as({ org, role: 'admin', environments: [dev] });
    const set = (environment: string) =>
      client.setSecret({ org: org.slug, environment, slug: 'db', entries: { value: '1' } });
    expect(await set('dev')).toMatchObject({ changed: true, secret: { environment: 'dev' } });
    expect(await refusalOf(set('prod'))).toMatchObject({ kind: 'denied' });
    expect(await refusalOf(set(''))).toMatchObject({ kind: 'denied' });
  });

  test('two that are made at once under one slug are one', async () => {
    const org = config.newOrg();
    const client = await config.as({ org });
    for (let round = 0; round < 5; round++) {
      const [left, right] = await Promise.all([
        client.setSecret({ org: org.slug, slug: `s${round}`, entries: { value: 'same' } }),
        client.setSecret({ org: org.slug, slug: `s${round}`, entries: { value: 'same' } }),
      ]);
      expect(left.secret?.uid).toBe(right.secret?.uid);
      expect([left.changed, right.changed].sort()).toEqual([false, true]);
    }
  });
});
