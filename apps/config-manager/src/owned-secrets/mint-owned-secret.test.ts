import { randomBytes } from 'node:crypto';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  callOwnedSecrets,
  newOwner,
  type OwnedSecretCalls,
  type TestOwner,
} from '../testing/call-owned-secrets.ts';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

const SERVICE = 'connection-service';
const newUid = () => crypto.randomUUID() as string;

describe.each(engines)('MintOwnedSecret on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  /** What the service was given as random, as it is by now. */
  const handedOut: Buffer[] = [];
  /** Repeats the same short random forever, where a test wants collisions. */
  let stuck = false;
  let org: Org;
  let people: ConfigManagerClient;
  let owner: TestOwner;
  let calls: OwnedSecretCalls;
  beforeAll(async () => {
    config = await startConfigManager(engine(), {
      randomBytes: (size) => {
        const bytes = stuck && size < 16 ? Buffer.alloc(size, 0xab) : randomBytes(size);
        handedOut.push(bytes);
        return bytes;
      },
    });
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    stuck = false;
    org = config.newOrg();
    people = await config.as({ org });
    owner = newOwner();
    calls = await callOwnedSecrets(config, org, owner);
  });

  const records = async () =>
    (await people.listAuditRecords({ org: org.slug })).records.map(({ action }) => action).sort();
  const livingSlugs = async () =>
    (await people.listSecrets({ org: org.slug })).secrets.map(({ slug }) => slug);

  test('makes 256 random bits, sealed, on record before they leave', async () => {
    handedOut.length = 0;
    const uid = newUid();
    const minted = await calls.mint(uid);
    expect(minted).toMatchObject({ slug: 'external-id', created: true });
    expect(minted.value).toMatch(/^[0-9a-f]{64}$/);
    expect((await calls.mint(newUid(), 'other')).value).not.toBe(minted.value);

    expect(handedOut.map((bytes) => bytes.length)).toEqual([32, 32]);
    expect(handedOut.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    const { rows } = await sql<{ text: string }>`
      select encode(e.ciphertext, 'escape') || encode(v.wrapped_data_key, 'escape') as text
      from config.secret_entry e join config.secret_version v on v.uid = e.version_uid where v.secret_uid = ${uid}`.execute(
      config.database.query,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.text).not.toContain(minted.value);

    const { records: found } = await people.listAuditRecords({ org: org.slug, resourceSlug: 'external-id' });
    expect(found).toHaveLength(2);
    for (const action of ['secret.mint', 'secret.access']) {
      expect(found.find((record) => record.action === action)).toMatchObject({
        actorName: SERVICE,
        viaService: SERVICE,
        resourceUid: uid,
        version: 1,
        purpose: 'set up trust',
        details: { owner_uid: owner.uid },
      });
    }
    expect(
      JSON.stringify([found, config.log], (_, value) => (typeof value === 'bigint' ? '' : value)),
    ).not.toContain(minted.value);
  });

  test('names the actor where there is one, and refuses one of another organisation', async () => {
    const viewer = { org, role: 'viewer' as const, name: 'Ann' };
    await (await callOwnedSecrets(config, org, owner, { actor: viewer })).mint(newUid());
    const { records: found } = await people.listAuditRecords({ org: org.slug, action: 'secret.mint' });
    expect(found).toMatchObject([{ actorName: 'Ann', viaService: SERVICE }]);

    const stranger = { org: config.newOrg('elsewhere'), role: 'owner' as const };
    const theirs = await callOwnedSecrets(config, org, owner, { actor: stranger });
    for (const call of [
      () => theirs.mint(newUid()),
      () => theirs.access('any'),
      () => theirs.retire('any'),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'denied', reason: 'ORGANIZATION_MISMATCH' });
    }
    expect(await livingSlugs()).toEqual(['external-id']);
  });

  test('the same uid answers the same secret, and every answer is on record', async () => {
    const uid = newUid();
    const first = await calls.mint(uid);
    const again = await calls.mint(uid, 'another-slug');
    expect(again).toMatchObject({ slug: first.slug, value: first.value, created: false });
    expect(await livingSlugs()).toEqual(['external-id']);
    expect(await records()).toEqual(['secret.access', 'secret.access', 'secret.mint']);
  });

  test('of many at once one makes it, and all answer the same', async () => {
    for (let round = 0; round < 5; round++) {
      const uid = newUid();
      const answers = await Promise.all(Array.from({ length: 8 }, () => calls.mint(uid, `round-${round}`)));
      expect(new Set(answers.map(({ value }) => value)).size).toBe(1);
      expect(new Set(answers.map(({ slug }) => slug))).toEqual(new Set([`round-${round}`]));
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect((await calls.access(uid)).value).toBe(answers[0]?.value);
    }
    const count = async (action: string) =>
      (await people.listAuditRecords({ org: org.slug, action })).records.length;
    expect(await count('secret.mint')).toBe(5);
    expect(await count('secret.access')).toBe(5 * 9);
  });

  test('a slug that is taken gets a suffix, whoever has it', async () => {
    await people.setSecret({ org: org.slug, slug: 'external-id', entries: { value: 'of people' } });
    const long = `${'a'.repeat(53)}-${'b'.repeat(9)}`;
    const made = [
      await calls.mint(newUid()),
      await calls.mint(newUid()),
      await calls.mint(newUid(), long),
      await calls.mint(newUid(), long),
    ].map(({ slug }) => slug);
    expect(made[0]).toMatch(/^external-id-[0-9a-f]{8}$/);
    expect(made[1]).toMatch(/^external-id-[0-9a-f]{8}$/);
    expect(made[2]).toBe(long);
    expect(made[3]).toMatch(/^a{53}-[0-9a-f]{8}$/);
    expect(new Set(made).size).toBe(4);
    expect((await people.accessSecret({ org: org.slug, slug: 'external-id' })).entries).toEqual({
      value: 'of people',
    });
  });

  test('only the living secrets of the organisation level are in the way', async () => {
    config.addEnvironment(org, 'prod');
    await people.setSecret({
      org: org.slug,
      environment: 'prod',
      slug: 'external-id',
      entries: { value: '1' },
    });
    await people.setSecret({ org: org.slug, slug: 'external-id', entries: { value: '1' } });
    await people.deleteSecret({ org: org.slug, slug: 'external-id' });
    const elsewhere = config.newOrg('elsewhere');
    await (await callOwnedSecrets(config, elsewhere, newOwner())).mint(newUid());
    expect((await calls.mint(newUid())).slug).toBe('external-id');
  });

  test('many objects and people that want one slug at once each get one', async () => {
    const wanted = Array.from({ length: 6 }, async () =>
      (await callOwnedSecrets(config, org, newOwner())).mint(newUid(), 'wanted'),
    );
    const set = people.setSecret({ org: org.slug, slug: 'wanted', entries: { value: 'of people' } });
    const set0 = set.then(
      () => 'set',
      async (error) => (await refusalOf(Promise.reject(error))).reason,
    );
    const slugs = (await Promise.all(wanted)).map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(6);
    expect(await set0).toBe(slugs.includes('wanted') ? 'SECRET_SERVER_OWNED' : 'set');
  });

  test('gives up where no slug is free, and has made nothing', async () => {
    stuck = true;
    await people.setSecret({ org: org.slug, slug: 'external-id', entries: { value: '1' } });
    await people.setSecret({ org: org.slug, slug: 'external-id-abababab', entries: { value: '1' } });
    const uid = newUid();
    expect(await refusalOf(calls.mint(uid))).toMatchObject({
      kind: 'unavailable',
      reason: 'SECRET_CONTENDED',
    });
    expect(await refusalOf(calls.access(uid))).toMatchObject({ kind: 'missing' });
    stuck = false;
    expect(await calls.mint(uid)).toMatchObject({ created: true });
  });

  test('a uid of somebody else is refused and tells nothing', async () => {
    const uid = newUid();
    const { value } = await calls.mint(uid);
    const made = await people.setSecret({
      org: org.slug,
      slug: 'of-people',
      entries: { value: 'of people' },
    });
    const ofPeople = made.secret?.uid ?? '';
    const elsewhere = config.newOrg('elsewhere');
    const before = await records();
    for (const call of [
      async () => (await callOwnedSecrets(config, org, newOwner('thief'))).mint(uid),
      async () => (await callOwnedSecrets(config, org, owner, { service: 'runner-gateway' })).mint(uid),
      async () => (await callOwnedSecrets(config, elsewhere, owner)).mint(uid),
      async () => calls.mint(ofPeople),
      async () => (await callOwnedSecrets(config, elsewhere, owner)).mint(ofPeople),
    ]) {
      const refused = await refusalOf(call());
      expect(refused).toMatchObject({ kind: 'denied', reason: 'SECRET_UID_TAKEN' });
      expect(JSON.stringify([refused, refused.message])).not.toContain(value);
      expect(refused.message).not.toContain('external-id');
    }
    expect(await records()).toEqual(before);
    expect((await calls.access(uid)).value).toBe(value);
    const { secret } = await people.getSecret({ org: org.slug, slug: 'of-people' });
    expect(secret).toMatchObject({ uid: ofPeople, ownerKind: '', currentVersion: 1 });
  });

  test('a record that cannot be written makes nothing and keeps the value in', async () => {
    const uid = newUid();
    for (const action of ['secret.mint', 'secret.access']) {
      await sql`alter table config.audit_record add constraint broken check (not (action = ${sql.lit(action)} and purpose = 'fail'))`.execute(
        config.database.query,
      );
      try {
        expect(await refusalOf(calls.mint(uid, 'external-id', 'fail'))).toMatchObject({ kind: 'internal' });
        expect(await livingSlugs()).toEqual([]);
      } finally {
        await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
      }
    }
    expect(await records()).toEqual([]);
    expect(await calls.mint(uid)).toMatchObject({ created: true });
  });

  test('is for services alone', async () => {
    for (const call of [
      () =>
        people.mintOwnedSecret({
          org: org.slug,
          organizationUid: org.uid,
          secretUid: newUid(),
          owner,
          slug: 'x',
        }),
      () => people.accessOwnedSecret({ organizationUid: org.uid, secretUid: 'x', ownerUid: owner.uid }),
      () => people.retireOwnedSecret({ organizationUid: org.uid, secretUid: 'x', ownerUid: owner.uid }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'denied', reason: 'SERVICE_ONLY' });
    }
  });

  test.each([
    ['a uid that cannot stand in a list', { secretUid: 'a b' }],
    ['a uid with a line break', { secretUid: 'a\n' }],
    ['no uid', { secretUid: '' }],
    ['a long uid', { secretUid: 'a'.repeat(65) }],
    ['an upper-case slug', { slug: 'External' }],
    ['no slug', { slug: '' }],
    ['two hyphens in a row', { slug: 'a--b' }],
    ['no owner', { owner: undefined }],
    ['an owner without a uid', { owner: { kind: 'AwsProviderConnection', uid: '', slug: 'x' } }],
    ['no organisation', { organizationUid: '' }],
  ])('refuses %s', async (_, wrong) => {
    const service = await config.asService(SERVICE);
    const request = { organizationUid: org.uid, secretUid: newUid(), owner, slug: 'external-id' };
    expect(
      await refusalOf(service.mintOwnedSecret({ ...request, ...wrong } as typeof request)),
    ).toMatchObject({
      kind: 'invalid',
      reason: 'VALIDATION_FAILED',
    });
  });
});
