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

const reasonOf = async ({ reason }: PromiseRejectedResult) =>
  (await refusalOf(Promise.reject(reason))).reason;
const newUid = () => crypto.randomUUID() as string;

describe.each(engines)('RetireOwnedSecret on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let people: ConfigManagerClient;
  let owner: TestOwner;
  let calls: OwnedSecretCalls;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    org = config.newOrg();
    people = await config.as({ org });
    owner = newOwner();
    calls = await callOwnedSecrets(config, org, owner);
  });

  const materialOf = async (uid: string) => {
    const { rows } = await sql<{
      wrapped_data_key: Buffer | null;
      ciphertext: Buffer | null;
      destroyed: boolean;
    }>`
      select v.wrapped_data_key, e.ciphertext, v.destroy_time is not null as destroyed
      from config.secret_version v join config.secret_entry e on e.version_uid = v.uid where v.secret_uid = ${uid}`.execute(
      config.database.query,
    );
    return rows;
  };

  test('erases the material, keeps the history, and does so once', async () => {
    const uid = newUid();
    await calls.mint(uid);
    expect(await materialOf(uid)).toMatchObject([{ destroyed: false }]);
    await calls.retire(uid);
    await calls.retire(uid);
    expect(await materialOf(uid)).toEqual([{ wrapped_data_key: null, ciphertext: null, destroyed: true }]);

    const { records } = await people.listAuditRecords({ org: org.slug, action: 'secret.retire' });
    expect(records).toMatchObject([
      {
        actorName: 'connection-service',
        viaService: 'connection-service',
        resourceUid: uid,
        resourceSlug: 'external-id',
        details: { owner_uid: owner.uid, owner_kind: 'AwsProviderConnection' },
      },
    ]);
    expect((await people.listSecrets({ org: org.slug })).secrets).toEqual([]);
    const { secrets } = await people.listSecrets({ org: org.slug, showDeleted: true });
    expect(secrets).toMatchObject([{ uid, slug: 'external-id', ownerKind: 'AwsProviderConnection' }]);
    expect(secrets[0]?.deleteTime).toBeDefined();
  });

  test('what is retired is neither read nor minted again, under its uid or for its object', async () => {
    const uid = newUid();
    const { value } = await calls.mint(uid);
    await calls.retire(uid);
    expect(await refusalOf(calls.mint(uid))).toMatchObject({ kind: 'state', reason: 'SECRET_RETIRED' });
    expect(await refusalOf(calls.mint(uid, 'other'))).toMatchObject({ reason: 'SECRET_RETIRED' });
    expect(await refusalOf(calls.access(uid))).toMatchObject({ kind: 'missing' });
    const thief = await callOwnedSecrets(config, org, newOwner('thief'));
    expect(await refusalOf(thief.mint(uid))).toMatchObject({ kind: 'denied', reason: 'SECRET_UID_TAKEN' });
    const fresh = await calls.mint(newUid());
    expect(fresh).toMatchObject({ slug: 'external-id', created: true });
    expect(fresh.value).not.toBe(value);
  });

  test('nobody else retires it', async () => {
    const uid = newUid();
    const { value } = await calls.mint(uid);
    const made = await people.setSecret({ org: org.slug, slug: 'of-people', entries: { value: '1' } });
    const elsewhere = config.newOrg('elsewhere');
    for (const call of [
      async () => (await callOwnedSecrets(config, org, newOwner('thief'))).retire(uid),
      async () => (await callOwnedSecrets(config, org, owner, { service: 'runner-gateway' })).retire(uid),
      async () => (await callOwnedSecrets(config, elsewhere, owner)).retire(uid),
      async () => calls.retire(made.secret?.uid ?? ''),
      async () => calls.retire('never-minted'),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'missing', reason: 'OWNED_SECRET_NOT_FOUND' });
    }
    expect((await calls.access(uid)).value).toBe(value);
    expect((await people.accessSecret({ org: org.slug, slug: 'of-people' })).entries).toEqual({ value: '1' });
    const { records } = await people.listAuditRecords({ org: org.slug, action: 'secret.retire' });
    expect(records).toEqual([]);
  });

  test('a record that cannot be written retires nothing', async () => {
    const uid = newUid();
    const { value } = await calls.mint(uid);
    await sql`alter table config.audit_record add constraint broken check (action <> 'secret.retire') not valid`.execute(
      config.database.query,
    );
    try {
      expect(await refusalOf(calls.retire(uid))).toMatchObject({ kind: 'internal' });
    } finally {
      await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
    }
    expect((await calls.access(uid)).value).toBe(value);
  });

  test('of minting, reading and retiring at once, what was answered was true, and the end is the end', async () => {
    for (let round = 0; round < 10; round++) {
      const uid = newUid();
      const { value } = await calls.mint(uid, `round-${round}`);
      const [retired, again, ...answers] = await Promise.allSettled([
        calls.retire(uid),
        calls.retire(uid),
        calls.mint(uid),
        calls.access(uid),
        calls.mint(uid),
        calls.access(uid),
      ]);
      expect([retired.status, again.status]).toEqual(['fulfilled', 'fulfilled']);
      for (const answer of answers) {
        if (answer.status === 'fulfilled') expect(answer.value).toMatchObject({ value });
        else expect(['SECRET_RETIRED', 'OWNED_SECRET_NOT_FOUND']).toContain(await reasonOf(answer));
      }
      expect(await refusalOf(calls.mint(uid))).toMatchObject({ reason: 'SECRET_RETIRED' });
      expect(await materialOf(uid)).toMatchObject([{ wrapped_data_key: null, ciphertext: null }]);
    }
    const { records } = await people.listAuditRecords({ org: org.slug, action: 'secret.retire' });
    expect(records).toHaveLength(10);
  });

  test('of a first mint and a retirement at once, the secret is either retired or there', async () => {
    for (let round = 0; round < 10; round++) {
      const uid = newUid();
      const [minted, retired] = await Promise.allSettled([
        calls.mint(uid, `round-${round}`),
        calls.retire(uid),
      ]);
      if (minted.status === 'rejected') throw minted.reason;
      expect(minted.value.created).toBe(true);
      if (retired.status === 'fulfilled') {
        expect(await refusalOf(calls.access(uid))).toMatchObject({ kind: 'missing' });
      } else {
        expect(await reasonOf(retired)).toBe('OWNED_SECRET_NOT_FOUND');
        expect((await calls.access(uid)).value).toBe(minted.value.value);
        await calls.retire(uid);
      }
    }
  });
});
