import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';
import { insertOrganizationKey } from './key-store.ts';

describe.each(engines)('RotateOrganizationKey on %s', (kind) => {
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

  const set = (slug: string, value: string) => client.setSecret({ org: org.slug, slug, entries: { value } });
  const read = async (slug: string, version = 0) =>
    (await client.accessSecret({ org: org.slug, slug, version })).entries.value;
  const keyVersions = async () => {
    const rows = await config.database.query
      .selectFrom('organization_key')
      .select('version')
      .where('organization_uid', '=', org.uid)
      .orderBy('version')
      .execute();
    return rows.map(({ version }) => version);
  };
  const wrappedBy = async () => {
    const rows = await config.database.query
      .selectFrom('secret_version')
      .select('organization_key_version')
      .distinct()
      .where('organization_uid', '=', org.uid)
      .where('destroy_time', 'is', null)
      .execute();
    return rows.map(({ organization_key_version }) => organization_key_version);
  };

  test('every version reads the same under the new key, and the old key is gone', async () => {
    await set('a', 'one');
    await set('a', 'two');
    await set('b', 'three');
    await set('b', 'four');
    await client.destroySecretVersion({ org: org.slug, slug: 'b', version: 1 });
    expect(await client.rotateOrganizationKey({ org: org.slug })).toMatchObject({
      keyVersion: 2,
      rewrappedDataKeys: 3,
    });
    expect(await keyVersions()).toEqual([2]);
    expect(await wrappedBy()).toEqual([2]);
    expect([await read('a', 1), await read('a'), await read('b')]).toEqual(['one', 'two', 'four']);
    expect(await client.rotateOrganizationKey({ org: org.slug })).toMatchObject({
      keyVersion: 3,
      rewrappedDataKeys: 3,
    });
    expect(await read('a', 1)).toBe('one');
    const { records } = await client.listAuditRecords({ org: org.slug, action: 'organization_key.rotate' });
    expect(records.map(({ version }) => version)).toEqual([3, 2]);
  });

  test('an organisation without secrets, and more data keys than a batch', async () => {
    expect(await client.rotateOrganizationKey({ org: org.slug })).toMatchObject({
      keyVersion: 2,
      rewrappedDataKeys: 0,
    });
    await set('a', 'first');
    await sql`insert into config.secret_version (uid, secret_uid, organization_uid, version, wrapped_data_key, organization_key_version, created_by)
      select secret_uid || '-' || n, secret_uid, organization_uid, n, wrapped_data_key, organization_key_version, 'copy'
      from config.secret_version, generate_series(2, 450) n where organization_uid = ${org.uid} and version = 1`.execute(
      config.database.query,
    );
    const refused = await refusalOf(client.rotateOrganizationKey({ org: org.slug }));
    expect(refused).toMatchObject({ kind: 'state', reason: 'SECRET_DAMAGED', metadata: { count: '449' } });
    expect(await read('a')).toBe('first');
    expect(await keyVersions()).toEqual([2, 3]);
    await sql`delete from config.secret_version where organization_uid = ${org.uid} and created_by = 'copy'`.execute(
      config.database.query,
    );
    expect(await client.rotateOrganizationKey({ org: org.slug })).toMatchObject({ keyVersion: 3 });
    expect(await keyVersions()).toEqual([3]);
  });

  test('an interrupted rotation is finished by the next', async () => {
    await set('a', 'one');
    await set('b', 'two');
    const next = await config.keyring.createOrganizationKey(org.uid, 2);
    await insertOrganizationKey(config.database.query, org.uid, next);
    await set('c', 'three');
    expect((await wrappedBy()).sort()).toEqual([1, 2]);
    expect([await read('a'), await read('b'), await read('c')]).toEqual(['one', 'two', 'three']);
    expect(await client.rotateOrganizationKey({ org: org.slug })).toMatchObject({
      keyVersion: 2,
      rewrappedDataKeys: 2,
    });
    expect(await keyVersions()).toEqual([2]);
    expect([await read('a'), await read('b'), await read('c')]).toEqual(['one', 'two', 'three']);
  });

  test('one damaged version stops nothing but itself, and is named', async () => {
    for (const slug of ['a', 'b', 'c']) await set(slug, slug);
    await sql`update config.secret_version v set wrapped_data_key = set_byte(wrapped_data_key, 20, get_byte(wrapped_data_key, 20) # 1)
      from config.secret s where s.uid = v.secret_uid and s.organization_uid = ${org.uid} and s.slug = 'b'`.execute(
      config.database.query,
    );
    const refused = await refusalOf(client.rotateOrganizationKey({ org: org.slug }));
    expect(refused).toMatchObject({ kind: 'state', reason: 'SECRET_DAMAGED' });
    expect(refused.message).toContain('"b" version 1');
    expect([await read('a'), await read('c')]).toEqual(['a', 'c']);
    expect((await wrappedBy()).sort()).toEqual([1, 2]);
    await set('b', 'repaired');
    await client.destroySecretVersion({ org: org.slug, slug: 'b', version: 1 });
    expect(await client.rotateOrganizationKey({ org: org.slug })).toMatchObject({ keyVersion: 2 });
    expect(await keyVersions()).toEqual([2]);
  });

  test('reads and writes go on while keys rotate', async () => {
    const slugs = Array.from({ length: 6 }, (_, i) => `s${i}`);
    for (const slug of slugs) await set(slug, `${slug} 0`);
    let rotating = true;
    const work = slugs.map(async (slug) => {
      let written = 0;
      while (rotating) {
        written += 1;
        await set(slug, `${slug} ${written}`);
        expect(await read(slug)).toBe(`${slug} ${written}`);
        expect(await read(slug, 1)).toBe(`${slug} 0`);
      }
      return written;
    });
    for (let i = 0; i < 4; i++) await client.rotateOrganizationKey({ org: org.slug });
    await Promise.all([
      client.rotateOrganizationKey({ org: org.slug }),
      client.rotateOrganizationKey({ org: org.slug }),
    ]);
    rotating = false;
    const written = await Promise.all(work);
    await client.rotateOrganizationKey({ org: org.slug });
    expect(await keyVersions()).toHaveLength(1);
    expect(await wrappedBy()).toEqual(await keyVersions());
    for (const [index, slug] of slugs.entries()) expect(await read(slug)).toBe(`${slug} ${written[index]}`);
  });

  test('is not for a developer', async () => {
    const developer = await config.as({ org, role: 'developer' });
    expect(await refusalOf(developer.rotateOrganizationKey({ org: org.slug }))).toMatchObject({
      kind: 'denied',
    });
  });
});
