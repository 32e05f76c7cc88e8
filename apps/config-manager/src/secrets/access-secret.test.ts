import { AuditOutcome } from '@planton/api/common/v1/audit';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

describe.each(engines)('AccessSecret on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let client: ConfigManagerClient;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());

  const begin = async () => {
    org = config.newOrg();
    client = await config.as({ org, uid: 'user-1', name: 'ada', apiKeyUid: 'key-1' });
  };
  const access = (slug: string, more: { version?: number; keys?: string[]; purpose?: string } = {}) =>
    client.accessSecret({ org: org.slug, slug, ...more });
  const set = (slug: string, entries: Record<string, string>) =>
    client.setSecret({ org: org.slug, slug, entries });
  const reads = async () =>
    (await client.listAuditRecords({ org: org.slug, action: 'secret.access' })).records;

  test('returns any version, whole or in part, each read on record', async () => {
    await begin();
    await set('db', { user: 'root', password: 'p1' });
    await set('db', { user: 'root', password: 'p2' });
    expect(await access('db', { purpose: 'deploy' })).toMatchObject({
      version: 2,
      entries: { user: 'root', password: 'p2' },
    });
    expect(await access('db', { version: 1, keys: ['password'] })).toMatchObject({
      version: 1,
      entries: { password: 'p1' },
    });
    const records = await reads();
    expect(records).toMatchObject([
      { version: 1, details: { entries: 'password' }, purpose: '' },
      { version: 2, purpose: 'deploy' },
    ]);
    expect(records[1]).toMatchObject({
      service: 'config-manager',
      actorUid: 'user-1',
      actorName: 'ada',
      apiKeyUid: 'key-1',
      viaService: '',
      resourceKind: 'secret',
      resourceSlug: 'db',
      outcome: AuditOutcome.SUCCEEDED,
    });
    expect(records[1]?.requestId).not.toBe('');
    expect(JSON.stringify(records.map(({ details, purpose }) => ({ details, purpose })))).not.toContain('p2');
  });

  test('names what is missing, and records no read', async () => {
    await begin();
    await set('db', { b: '1', a: '2' });
    expect(await refusalOf(access('nothing'))).toMatchObject({
      kind: 'missing',
      reason: 'SECRET_NOT_FOUND',
      message: 'secret "nothing" does not exist in organisation "acme"',
      hint: 'planton secret list',
    });
    expect(await refusalOf(access('db', { version: 9 }))).toMatchObject({
      reason: 'SECRET_VERSION_NOT_FOUND',
      hint: 'planton secret versions db',
    });
    expect(await refusalOf(access('db', { keys: ['a', 'c'] }))).toMatchObject({
      reason: 'SECRET_ENTRY_NOT_FOUND',
      message: 'secret "db" has no entry "c"; it has: a, b',
    });
    expect(await reads()).toEqual([]);
  });

  test('refuses a destroyed version', async () => {
    await begin();
    await set('db', { value: '1' });
    await set('db', { value: '2' });
    await client.destroySecretVersion({ org: org.slug, slug: 'db', version: 1 });
    expect(await refusalOf(access('db', { version: 1 }))).toMatchObject({
      kind: 'state',
      reason: 'SECRET_VERSION_DESTROYED',
    });
    expect(await reads()).toEqual([]);
  });

  test('no record, no value', async () => {
    await begin();
    await set('db', { value: 'never-without-a-record' });
    await sql`alter table config.audit_record add constraint broken check (purpose <> 'fail')`.execute(
      config.database.query,
    );
    try {
      const error = await refusalOf(access('db', { purpose: 'fail' }));
      expect(error).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
      expect(JSON.stringify(config.log)).not.toContain('never-without-a-record');
    } finally {
      await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
    }
    expect(await reads()).toEqual([]);
    expect((await access('db')).entries).toEqual({ value: 'never-without-a-record' });
  });

  test('those who ask at the same time are each answered, refused and recorded by themselves', async () => {
    await begin();
    const mine = { org, client };
    await set('db', { user: 'root', password: 'mine' });
    await set('db', { user: 'root', password: 'mine, newer' });
    await set('gone', { value: '1' });
    await set('gone', { value: '2' });
    await client.destroySecretVersion({ org: org.slug, slug: 'gone', version: 1 });
    await begin();
    const theirs = { org, client };
    await set('db', { password: 'theirs' });
    await sql`alter table config.audit_record add constraint broken check (purpose <> 'fail')`.execute(
      config.database.query,
    );
    const ask = async (who: typeof mine, slug: string, more: Parameters<typeof access>[1] = {}) => {
      const asked = who.client.accessSecret({ org: who.org.slug, slug, ...more });
      return asked.then(
        ({ version, entries }) => `${version} ${entries.password ?? entries.value}`,
        async (error) => (await refusalOf(Promise.reject(error))).reason,
      );
    };
    const round = () =>
      Promise.all([
        ask(mine, 'db'),
        ask(mine, 'db', { version: 1, keys: ['password'] }),
        ask(theirs, 'db', { keys: ['password'] }),
        ask(theirs, 'db', { keys: ['password', 'user'] }),
        ask(mine, 'gone'),
        ask(mine, 'gone', { version: 1 }),
        ask(theirs, 'gone'),
        ask(mine, 'db', { version: 3 }),
      ]);
    const expected = [
      '2 mine, newer',
      '1 mine',
      '1 theirs',
      'SECRET_ENTRY_NOT_FOUND',
      '2 2',
      'SECRET_VERSION_DESTROYED',
      'SECRET_NOT_FOUND',
      'SECRET_VERSION_NOT_FOUND',
    ];
    try {
      const rounds = Array.from({ length: 20 }, round);
      // One whose record cannot be written is in the midst of them.
      const failing = ask(theirs, 'db', { purpose: 'fail' });
      const more = round();
      expect(await Promise.all([...rounds, more])).toEqual(Array.from({ length: 21 }, () => expected));
      expect(await failing).toBe('INTERNAL');
    } finally {
      await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
    }
    const recorded = async ({ org, client }: typeof mine) => {
      const counts = new Map<string, number>();
      const asked = { org: org.slug, action: 'secret.access', pageSize: 200 };
      for (const { resourceSlug, version, details } of (await client.listAuditRecords(asked)).records) {
        const read = `${resourceSlug} ${version} ${details.entries ?? 'all'}`;
        counts.set(read, (counts.get(read) ?? 0) + 1);
      }
      return Object.fromEntries(counts);
    };
    expect(await recorded(mine)).toEqual({ 'db 2 all': 21, 'db 1 password': 21, 'gone 2 all': 21 });
    expect(await recorded(theirs)).toEqual({ 'db 1 password': 21 });
  });

  /** Whatever was exchanged in the tables: the caller learns nothing, the log names the secret, the trail has the failure. */
  const expectDamaged = async (slug: string, version: number) => {
    const error = await refusalOf(access(slug));
    expect(error).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
    expect(error.message).toMatch(/^internal error \(request [\w-]+\)$/);
    const [latest, before] = await reads();
    expect(latest).toMatchObject({
      outcome: AuditOutcome.FAILED,
      resourceSlug: slug,
      version,
      details: { reason: 'SECRET_DAMAGED' },
    });
    expect(before).toMatchObject({ outcome: AuditOutcome.SUCCEEDED, requestId: latest?.requestId });
    const logged = config.log.flatMap((facts) => {
      const { error: logged } = Object(facts);
      return logged instanceof Error ? [logged.message] : [];
    });
    expect(logged).toContain(`secret "${slug}" version ${version} does not decrypt`);
  };
  const versionUid = async (slug: string, version: number) => {
    const row = await config.database.query
      .selectFrom('secret_version as v')
      .innerJoin('secret as s', 's.uid', 'v.secret_uid')
      .select(['v.uid', 'v.wrapped_data_key'])
      .where('s.organization_uid', '=', org.uid)
      .where('s.slug', '=', slug)
      .where('v.version', '=', version)
      .executeTakeFirstOrThrow();
    return row;
  };

  test('a row of another secret does not decrypt', async () => {
    await begin();
    await set('mine', { value: 'mine' });
    await set('other', { value: 'other' });
    const [mine, other] = [await versionUid('mine', 1), await versionUid('other', 1)];
    await sql`update config.secret_entry set ciphertext = (select ciphertext from config.secret_entry where version_uid = ${other.uid})
      where version_uid = ${mine.uid}`.execute(config.database.query);
    await expectDamaged('mine', 1);
    await sql`update config.secret_version set wrapped_data_key = ${other.wrapped_data_key} where uid = ${mine.uid}`.execute(
      config.database.query,
    );
    await expectDamaged('mine', 1);
  });

  test('an older version, put in place of the current one, does not decrypt', async () => {
    await begin();
    await set('db', { value: 'old' });
    await set('db', { value: 'new' });
    const [old, current] = [await versionUid('db', 1), await versionUid('db', 2)];
    await sql`update config.secret_entry set ciphertext = (select ciphertext from config.secret_entry where version_uid = ${old.uid})
      where version_uid = ${current.uid}`.execute(config.database.query);
    await sql`update config.secret_version set wrapped_data_key = ${old.wrapped_data_key} where uid = ${current.uid}`.execute(
      config.database.query,
    );
    await expectDamaged('db', 2);
  });

  test('entries that were exchanged, or cut, do not decrypt, and setting the secret repairs it', async () => {
    await begin();
    await set('db', { a: 'one', b: 'two' });
    const { uid } = await versionUid('db', 1);
    await sql`update config.secret_entry e set ciphertext = o.ciphertext from config.secret_entry o
      where e.version_uid = ${uid} and o.version_uid = ${uid} and e.key <> o.key`.execute(
      config.database.query,
    );
    await expectDamaged('db', 1);
    await sql`update config.secret_entry set ciphertext = substr(ciphertext, 1, 5) where version_uid = ${uid}`.execute(
      config.database.query,
    );
    await expectDamaged('db', 1);

    const merge = client.setSecret({ org: org.slug, slug: 'db', entries: { c: '3' }, merge: true });
    expect(await refusalOf(merge)).toMatchObject({ kind: 'internal' });
    const rollback = client.rollbackSecret({ org: org.slug, slug: 'db', version: 1 });
    expect(await refusalOf(rollback)).toMatchObject({ reason: 'SECRET_VERSION_CURRENT' });
    expect(await set('db', { a: 'one', b: 'two' })).toMatchObject({ changed: true });
    expect((await access('db')).entries).toEqual({ a: 'one', b: 'two' });
    const damaged = client.rollbackSecret({ org: org.slug, slug: 'db', version: 1 });
    expect(await refusalOf(damaged)).toMatchObject({ kind: 'internal' });
  });

  test('a secret moved to another organisation does not decrypt there', async () => {
    await begin();
    await set('db', { value: 'of another organisation' });
    const { uid } = await versionUid('db', 1);
    const thief = config.newOrg();
    org = thief;
    client = await config.as({ org });
    await set('own', { value: 'makes the organisation key' });
    await sql`update config.secret_version set organization_uid = ${thief.uid} where uid = ${uid}`.execute(
      config.database.query,
    );
    await sql`update config.secret set organization_uid = ${thief.uid} where uid = (
      select secret_uid from config.secret_version where uid = ${uid})`.execute(config.database.query);
    await expectDamaged('db', 1);
  });

  test.each([
    ['a viewer', 'viewer'],
    ['a developer', 'developer'],
    ['a deployer', 'deployer'],
  ] as const)('is not for %s', async (_, role) => {
    await begin();
    await set('db', { value: '1' });
    const other = await config.as({ org, role });
    const error = await refusalOf(other.accessSecret({ org: org.slug, slug: 'db' }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'PERMISSION_DENIED' });
  });

  test('a role limited to an environment does not read at the organisation level', async () => {
    await begin();
    await set('db', { value: '1' });
    const dev = config.addEnvironment(org, 'dev');
    const limited = await config.as({ org, role: 'admin', environments: [dev] });
    const error = await refusalOf(limited.accessSecret({ org: org.slug, slug: 'db' }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'ENVIRONMENT_NOT_COVERED' });
  });

  test.each([
    ['a slug of SQL', { slug: `x' or '1'='1` }, 'missing'],
    ['a slug with a NUL', { slug: 'a\0b' }, 'invalid'],
    ['a purpose with a NUL', { slug: 'db', purpose: 'a\0b' }, 'invalid'],
    ['a purpose that is too long', { slug: 'db', purpose: 'x'.repeat(201) }, 'invalid'],
    ['a key with a quote', { slug: 'db', keys: ['a"b'] }, 'invalid'],
    ['a key twice', { slug: 'db', keys: ['value', 'value'] }, 'invalid'],
    ['a negative version', { slug: 'db', version: -1 }, 'invalid'],
    ['the largest version', { slug: 'db', version: 2 ** 31 - 1 }, 'missing'],
  ])('is not confused by %s', async (_, request, expected) => {
    await begin();
    await set('db', { value: '1' });
    expect(await refusalOf(client.accessSecret({ org: org.slug, ...request }))).toMatchObject({
      kind: expected,
    });
  });
});
