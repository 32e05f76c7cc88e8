import { SecretVersionState } from '@planton/api/config/v1/secret';
import { engines, useTestEngine } from '@planton/database/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

describe.each(engines)('the life of a secret on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let client: ConfigManagerClient;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    org = config.newOrg();
    client = await config.as({ org });
  });

  const name = (slug = 'db') => ({ org: org.slug, slug });
  const set = (value: string, slug = 'db') => client.setSecret({ ...name(slug), entries: { value } });
  const currentValue = async (slug = 'db') => (await client.accessSecret(name(slug))).entries.value;

  test('rolling back makes a new version that repeats an earlier one', async () => {
    await set('1');
    await set('2');
    const { secret } = await client.rollbackSecret({ ...name(), version: 1 });
    expect(secret).toMatchObject({ currentVersion: 3 });
    expect(await currentValue()).toBe('1');
    const { versions } = await client.listSecretVersions(name());
    expect(versions).toMatchObject([
      { version: 3, rolledBackTo: 1 },
      { version: 2, rolledBackTo: 0 },
      { version: 1 },
    ]);
    const { records } = await client.listAuditRecords({ org: org.slug, action: 'secret.rollback' });
    expect(records).toMatchObject([{ version: 3, details: { rolled_back_to: '1' } }]);
  });

  test('rolling back is refused where it makes no sense', async () => {
    await set('1');
    await set('2');
    await set('3');
    await client.destroySecretVersion({ ...name(), version: 1 });
    const roll = (version: number, etag = '', slug = 'db') =>
      refusalOf(client.rollbackSecret({ ...name(slug), version, etag }));
    expect(await roll(3)).toMatchObject({ kind: 'state', reason: 'SECRET_VERSION_CURRENT' });
    expect(await roll(1)).toMatchObject({ kind: 'state', reason: 'SECRET_VERSION_DESTROYED' });
    expect(await roll(4)).toMatchObject({ kind: 'missing', reason: 'SECRET_VERSION_NOT_FOUND' });
    expect(await roll(2, 'old')).toMatchObject({ kind: 'stale', reason: 'STALE_ETAG' });
    expect(await roll(2, '', 'none')).toMatchObject({ kind: 'missing', reason: 'SECRET_NOT_FOUND' });
  });

  test('a deleted secret is hidden, and comes back as it was', async () => {
    const made = await set('1');
    const { secret: deleted } = await client.deleteSecret(name());
    expect(deleted?.deleteTime).toBeDefined();
    expect(await refusalOf(client.accessSecret(name()))).toMatchObject({ reason: 'SECRET_NOT_FOUND' });
    expect(await refusalOf(client.getSecret(name()))).toMatchObject({ reason: 'SECRET_NOT_FOUND' });
    expect((await client.listSecrets({ org: org.slug })).secrets).toEqual([]);
    expect((await client.listSecrets({ org: org.slug, showDeleted: true })).secrets).toHaveLength(1);
    expect(await refusalOf(client.deleteSecret(name()))).toMatchObject({ reason: 'SECRET_NOT_FOUND' });

    const { secret } = await client.undeleteSecret(name());
    expect(secret).toMatchObject({ uid: made.secret?.uid, currentVersion: 1 });
    expect(secret?.deleteTime).toBeUndefined();
    expect(await currentValue()).toBe('1');
  });

  test('a slug that is made again is another secret and inherits nothing', async () => {
    const first = await set('1');
    await client.deleteSecret(name());
    const second = await set('2');
    expect(second.secret?.uid).not.toBe(first.secret?.uid);
    expect(second.secret).toMatchObject({ currentVersion: 1 });
    expect((await client.listSecretVersions(name())).versions).toHaveLength(1);
    const stale = client.setSecret({ ...name(), entries: { value: '3' }, etag: first.secret?.etag ?? '' });
    expect(await refusalOf(stale)).toMatchObject({ reason: 'STALE_ETAG' });

    expect(await refusalOf(client.undeleteSecret(name()))).toMatchObject({
      kind: 'state',
      reason: 'SECRET_SLUG_TAKEN',
    });
    await client.deleteSecret(name());
    expect((await client.undeleteSecret(name())).secret?.uid).toBe(second.secret?.uid);
  });

  test('what was never deleted cannot be undeleted', async () => {
    expect(await refusalOf(client.undeleteSecret(name('never')))).toMatchObject({
      kind: 'missing',
      reason: 'SECRET_NOT_FOUND',
    });
  });

  test('of undeletes and a set at once, one secret lives', async () => {
    await set('1');
    await client.deleteSecret(name());
    const results = await Promise.allSettled([
      client.undeleteSecret(name()),
      set('2'),
      client.undeleteSecret(name()),
    ]);
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect((await client.listSecrets({ org: org.slug })).secrets).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected')
        expect(await refusalOf(Promise.reject(result.reason))).toMatchObject({ kind: 'state' });
    }
  });

  test('an undelete that waited for another says that the secret lives', async () => {
    for (let round = 0; round < 10; round++) {
      await set('1');
      await client.deleteSecret(name());
      const results = await Promise.allSettled([1, 2, 3].map(() => client.undeleteSecret(name())));
      const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      expect(refused).toHaveLength(2);
      for (const { reason } of refused)
        expect(await refusalOf(Promise.reject(reason))).toMatchObject({ reason: 'SECRET_SLUG_TAKEN' });
    }
  });

  test('destroying erases the material for ever, and keeps the names', async () => {
    await set('1');
    await set('2');
    expect(await refusalOf(client.destroySecretVersion({ ...name(), version: 2 }))).toMatchObject({
      kind: 'state',
      reason: 'SECRET_VERSION_CURRENT',
    });
    const { version } = await client.destroySecretVersion({ ...name(), version: 1 });
    expect(version).toMatchObject({ version: 1, state: SecretVersionState.DESTROYED, keys: ['value'] });
    expect(version?.destroyTime).toBeDefined();
    expect(await client.destroySecretVersion({ ...name(), version: 1 })).toMatchObject({ version });
    const rows = await config.database.query
      .selectFrom('secret_version as v')
      .innerJoin('secret_entry as e', 'e.version_uid', 'v.uid')
      .select(['v.wrapped_data_key', 'e.ciphertext'])
      .where('v.organization_uid', '=', org.uid)
      .where('v.version', '=', 1)
      .execute();
    expect(rows).toEqual([{ wrapped_data_key: null, ciphertext: null }]);
    const missing = client.destroySecretVersion({ ...name(), version: 7 });
    expect(await refusalOf(missing)).toMatchObject({ reason: 'SECRET_VERSION_NOT_FOUND' });
  });

  test('of a deleted secret even the current version can be destroyed; setting it gives it a value again', async () => {
    await set('1');
    await client.deleteSecret(name());
    await client.destroySecretVersion({ ...name(), version: 1 });
    await client.undeleteSecret(name());
    expect(await refusalOf(client.accessSecret(name()))).toMatchObject({
      reason: 'SECRET_VERSION_DESTROYED',
    });
    const merge = client.setSecret({ ...name(), entries: { other: '1' }, merge: true });
    expect(await refusalOf(merge)).toMatchObject({ reason: 'SECRET_VERSION_DESTROYED' });
    expect(await set('1')).toMatchObject({ changed: true, secret: { currentVersion: 2 } });
    expect(await currentValue()).toBe('1');
  });

  test('lists page by page, and a token is good for its list alone', async () => {
    config.addEnvironment(org, 'prod');
    const slugs = ['a', 'a-b', 'ab', 'b', 'c', 'c1', 'd'];
    for (const slug of slugs) await set('1', slug);
    await client.deleteSecret(name('c'));
    await set('2', 'c');
    const list = async (showDeleted: boolean) => {
      const found: string[] = [];
      for (let pageToken = ''; ; ) {
        const page = await client.listSecrets({ org: org.slug, pageSize: 2, pageToken, showDeleted });
        found.push(...page.secrets.map(({ slug }) => slug));
        pageToken = page.nextPageToken;
        if (pageToken === '') return found;
      }
    };
    expect(await list(false)).toEqual(slugs);
    expect(await list(true)).toEqual(['a', 'a-b', 'ab', 'b', 'c', 'c', 'c1', 'd']);

    const { nextPageToken: pageToken } = await client.listSecrets({ org: org.slug, pageSize: 2 });
    for (const call of [
      () => client.listSecrets({ org: org.slug, pageToken, showDeleted: true }),
      () => client.listSecrets({ org: org.slug, pageToken, environment: 'prod' }),
      () => client.listVariables({ org: org.slug, pageToken }),
      () => client.listSecrets({ org: org.slug, pageToken: 'made-up' }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'invalid', reason: 'PAGE_TOKEN_INVALID' });
    }
  });

  test('versions page by page', async () => {
    for (let i = 1; i <= 5; i++) await set(String(i));
    const first = await client.listSecretVersions({ ...name(), pageSize: 3 });
    expect(first.versions.map(({ version }) => version)).toEqual([5, 4, 3]);
    const second = await client.listSecretVersions({
      ...name(),
      pageSize: 3,
      pageToken: first.nextPageToken,
    });
    expect(second.versions.map(({ version }) => version)).toEqual([2, 1]);
    expect(second.nextPageToken).toBe('');
  });

  test('every change is on record, and its refusal is not', async () => {
    await set('1');
    await set('1');
    await set('2');
    await client.rollbackSecret({ ...name(), version: 1 });
    await client.destroySecretVersion({ ...name(), version: 2 });
    await client.deleteSecret(name());
    await refusalOf(client.deleteSecret(name()));
    await client.undeleteSecret(name());
    const { records } = await client.listAuditRecords({ org: org.slug, resourceSlug: 'db' });
    expect(records.map(({ action, version }) => `${action} ${version}`)).toEqual([
      'secret.undelete 3',
      'secret.delete 3',
      'secret.destroy_version 2',
      'secret.rollback 3',
      'secret.set 2',
      'secret.set 1',
    ]);
  });
});
