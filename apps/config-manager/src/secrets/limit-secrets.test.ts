import { randomUUID } from 'node:crypto';
import { engines, useTestEngine } from '@planton/database/testing';
import { outcomeOf } from '@planton/rpc/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

describe.each(engines)('the ceilings of secrets on %s', (kind) => {
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

  const set = (slug: string, value = 'v', environment = '') =>
    client.setSecret({ org: org.slug, environment, slug, entries: { value } });
  const fill = (count: number, environmentUid = '') =>
    sql`insert into config.secret (uid, organization_uid, environment_uid, slug, current_version, revision)
      select ${randomUUID()} || i, ${org.uid}, ${environmentUid}, 'full-' || i, 0, 0
      from generate_series(1, ${count}::int8) i`.execute(config.database.query);

  test('five thousand of a level, for however many that are made at once', async () => {
    await set('db');
    await fill(4_998);
    const late = Array.from({ length: 20 }, (_, n) => `late-${n}`);
    const outcomes = await Promise.all(late.map((slug) => outcomeOf(set(slug))));
    expect(outcomes.sort()).toEqual(['done', ...Array(19).fill('quota SECRET_LIMIT 5000')]);
    expect(await refusalOf(set('more'))).toMatchObject({
      message: 'organisation "acme" has 5000 secrets, which is the limit',
      hint: 'planton secret delete SLUG',
    });
    expect(await outcomeOf(set('db', 'another value'))).toBe('done');
    await client.deleteSecret({ org: org.slug, slug: 'db' });
    expect(await outcomeOf(set('in-its-place'))).toBe('done');
    expect(await outcomeOf(client.undeleteSecret({ org: org.slug, slug: 'db' }))).toBe(
      'quota SECRET_LIMIT 5000',
    );
    expect(await refusalOf(client.getSecret({ org: org.slug, slug: 'db' }))).toMatchObject({
      reason: 'SECRET_NOT_FOUND',
    });
    await client.deleteSecret({ org: org.slug, slug: 'in-its-place' });
    await client.undeleteSecret({ org: org.slug, slug: 'db' });
  });

  test('what an environment that is gone has left behind takes no room', async () => {
    const gone = config.addEnvironment(org, 'gone');
    await fill(5_000, gone);
    expect(await refusalOf(set('db', 'v', 'gone'))).toMatchObject({
      reason: 'SECRET_LIMIT',
      hint: 'planton secret delete SLUG --env gone',
    });
    config.addEnvironment(org, 'prod');
    for (const environment of ['', 'prod']) expect(await outcomeOf(set('db', 'v', environment))).toBe('done');
  });

  test('a thousand versions of one secret, until some are destroyed', async () => {
    const { secret } = await set('db', 'first');
    await sql`insert into config.secret_version
        (uid, secret_uid, organization_uid, version, wrapped_data_key, organization_key_version, created_by)
      select uid || '-' || n, secret_uid, organization_uid, n, wrapped_data_key, organization_key_version, created_by
      from config.secret_version, generate_series(2, 999) n where secret_uid = ${secret?.uid ?? ''}`.execute(
      config.database.query,
    );
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => outcomeOf(set('db', `value ${n}`))),
    );
    expect(outcomes.sort()).toEqual(['done', ...Array(19).fill('quota SECRET_VERSION_LIMIT 1000')]);
    const name = { org: org.slug, slug: 'db' };
    expect(await refusalOf(client.rollbackSecret({ ...name, version: 1 }))).toMatchObject({
      kind: 'quota',
      hint: 'planton secret destroy db --version NUMBER erases one for ever',
    });
    await client.destroySecretVersion({ ...name, version: 2 });
    expect((await client.rollbackSecret({ ...name, version: 1 })).secret?.currentVersion).toBe(1_001);
    expect((await client.accessSecret(name)).entries).toEqual({ value: 'first' });
    expect(await outcomeOf(set('db', 'another'))).toBe('quota SECRET_VERSION_LIMIT 1000');
    expect(await outcomeOf(set('db', 'first'))).toBe('done');
  });
});
