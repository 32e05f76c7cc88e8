import { engines, useTestEngine } from '@planton/database/testing';
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

/** What the owner of an organisation tries: the strongest that there is among people. */
describe.each(engines)('people and server-owned secrets on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let people: ConfigManagerClient;
  let owner: TestOwner;
  let calls: OwnedSecretCalls;
  let uid: string;
  let value: string;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    org = config.newOrg();
    people = await config.as({ org });
    owner = newOwner();
    calls = await callOwnedSecrets(config, org, owner);
    uid = crypto.randomUUID();
    ({ value } = await calls.mint(uid));
  });

  const name = () => ({ org: org.slug, slug: 'external-id' });
  const set = (text: string) => people.setSecret({ ...name(), entries: { value: text } });

  test('a living one is theirs to read, not to change', async () => {
    const { secret } = await people.getSecret(name());
    const etag = secret?.etag ?? '';
    for (const call of [
      () => set('chosen'),
      () => set(value),
      () => people.setSecret({ ...name(), entries: { value: 'chosen' }, etag }),
      () => people.setSecret({ ...name(), entries: { other: 'chosen' }, merge: true }),
      () => people.rollbackSecret({ ...name(), version: 1 }),
      () => people.rollbackSecret({ ...name(), version: 2 }),
      () => people.deleteSecret(name()),
      () => people.deleteSecret({ ...name(), etag }),
      () => people.destroySecretVersion({ ...name(), version: 1 }),
      () => people.destroySecretVersion({ ...name(), version: 2 }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'state', reason: 'SECRET_SERVER_OWNED' });
    }
    expect(await refusalOf(people.undeleteSecret(name()))).toMatchObject({
      kind: 'state',
      reason: 'SECRET_SLUG_TAKEN',
      hint: 'planton secret usages external-id',
    });

    expect(await people.getSecret(name())).toMatchObject({ secret: { ...secret, etag } });
    expect(secret).toMatchObject({
      uid,
      currentVersion: 1,
      keys: ['value'],
      ownerKind: 'AwsProviderConnection',
    });
    expect((await people.listSecrets({ org: org.slug })).secrets).toMatchObject([
      { uid, ownerKind: 'AwsProviderConnection' },
    ]);
    expect((await people.listSecretVersions(name())).versions).toMatchObject([{ version: 1 }]);
    expect((await people.accessSecret(name())).entries).toEqual({ value });
    expect((await calls.access(uid)).value).toBe(value);
  });

  test('who may not read secrets does not read these', async () => {
    const viewer = await config.as({ org, role: 'viewer' });
    expect(await refusalOf(viewer.accessSecret(name()))).toMatchObject({ kind: 'denied' });
    const stranger = await config.as({ org: config.newOrg('elsewhere') });
    expect(await refusalOf(stranger.accessSecret({ org: 'elsewhere', slug: 'external-id' }))).toMatchObject({
      reason: 'SECRET_NOT_FOUND',
    });
  });

  test('a retired one does not come back, and its slug is free', async () => {
    await calls.retire(uid);
    for (const call of [
      () => people.undeleteSecret(name()),
      () => people.destroySecretVersion({ ...name(), version: 1 }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({
        kind: 'state',
        reason: 'SECRET_RETIRED',
        hint: 'planton secret set external-id value=…',
      });
    }
    for (const call of [
      () => people.getSecret(name()),
      () => people.accessSecret(name()),
      () => people.rollbackSecret({ ...name(), version: 1 }),
      () => people.deleteSecret(name()),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'missing', reason: 'SECRET_NOT_FOUND' });
    }
    const made = await set('of people');
    expect(made.secret).toMatchObject({ currentVersion: 1, ownerKind: '' });
    expect(made.secret?.uid).not.toBe(uid);
    expect((await people.listSecretVersions(name())).versions).toHaveLength(1);
    expect(await refusalOf(calls.access(uid))).toMatchObject({ kind: 'missing' });
    await calls.retire(uid);
    expect((await people.accessSecret(name())).entries).toEqual({ value: 'of people' });
    await set('changed');
    await people.rollbackSecret({ ...name(), version: 1 });
    await people.deleteSecret(name());
  });

  test('a retired one stands in the way of no secret that people deleted, before or after', async () => {
    await calls.retire(uid);
    const first = await set('of people');
    await people.deleteSecret(name());
    for (let round = 0; round < 2; round++) {
      const next = crypto.randomUUID();
      expect((await calls.mint(next)).slug).toBe('external-id');
      expect(await refusalOf(people.undeleteSecret(name()))).toMatchObject({ reason: 'SECRET_SLUG_TAKEN' });
      expect(await refusalOf(people.destroySecretVersion({ ...name(), version: 1 }))).toMatchObject({
        reason: 'SECRET_SERVER_OWNED',
      });
      await calls.retire(next);
    }
    const { secret } = await people.undeleteSecret(name());
    expect(secret).toMatchObject({ uid: first.secret?.uid, ownerKind: '' });
    expect((await people.accessSecret(name())).entries).toEqual({ value: 'of people' });

    const { secrets } = await people.listSecrets({ org: org.slug, showDeleted: true });
    expect(secrets).toHaveLength(4);
    expect(secrets.filter(({ deleteTime }) => deleteTime)).toHaveLength(3);

    await people.deleteSecret(name());
    const { version } = await people.destroySecretVersion({ ...name(), version: 1 });
    expect(version?.destroyTime).toBeDefined();
  });

  test('of minting and undeleting at once, one has the slug', async () => {
    for (let round = 0; round < 5; round++) {
      const slug = `race-${round}`;
      await people.setSecret({ org: org.slug, slug, entries: { value: 'of people' } });
      await people.deleteSecret({ org: org.slug, slug });
      const minting = crypto.randomUUID();
      const [minted, undeleted] = await Promise.allSettled([
        calls.mint(minting, slug),
        people.undeleteSecret({ org: org.slug, slug }),
      ]);
      if (minted.status === 'rejected') throw minted.reason;
      expect(minted.value.slug === slug).toBe(undeleted.status === 'rejected');
      if (undeleted.status === 'rejected') {
        expect(await refusalOf(Promise.reject(undeleted.reason))).toMatchObject({
          reason: 'SECRET_SLUG_TAKEN',
        });
      }
      const { secrets } = await people.listSecrets({ org: org.slug });
      expect(secrets.filter((secret) => secret.slug === slug)).toHaveLength(1);
    }
  });

  test('of setting and retiring at once, the secret of the server is never what was set', async () => {
    for (let round = 0; round < 10; round++) {
      const slug = `race-${round}`;
      const racing = crypto.randomUUID();
      await calls.mint(racing, slug);
      const [retired, written] = await Promise.allSettled([
        calls.retire(racing),
        people.setSecret({ org: org.slug, slug, entries: { value: 'of people' } }),
      ]);
      expect(retired.status).toBe('fulfilled');
      if (written.status === 'fulfilled') {
        expect(written.value.secret).toMatchObject({ ownerKind: '', currentVersion: 1 });
        expect(written.value.secret?.uid).not.toBe(racing);
      } else {
        expect(await refusalOf(Promise.reject(written.reason))).toMatchObject({
          reason: 'SECRET_SERVER_OWNED',
        });
      }
      expect(await refusalOf(calls.access(racing))).toMatchObject({ kind: 'missing' });
    }
  });
});
