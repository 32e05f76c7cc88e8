import { create } from '@bufbuild/protobuf';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import { type Reference, ReferencePhase, ReferenceSchema } from '@planton/api/config/v1/reference';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestCaller,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

const secret = (slug: string, key = 'value') =>
  create(ReferenceSchema, { target: { case: 'secret', value: { slug, key } } });
const variable = (slug: string) => create(ReferenceSchema, { target: { case: 'variable', value: slug } });

const SERVICE = 'connection-service';

describe.each(engines)('ResolveOwnedReferences on %s', (kind) => {
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
    const { slug } = org;
    await client.setSecret({ org: slug, slug: 'aws', entries: { id: 'the-id', key: 'the-key' } });
    await client.setSecret({ org: slug, slug: 'other', entries: { value: 'other-value' } });
    await client.setVariable({ org: slug, slug: 'region', value: 'us-west-2' });
  });

  const reads = async () => {
    const { records } = await client.listAuditRecords({ org: org.slug, action: 'secret.access' });
    return records;
  };

  const register = async (
    references: Reference[],
    {
      service = SERVICE,
      uid = crypto.randomUUID() as string,
      revision = 1,
      phase = ReferencePhase.REGISTER as ReferencePhase,
    } = {},
  ) => {
    await (await config.asService(service, { org })).setReferences({
      org: org.slug,
      organizationUid: org.uid,
      owner: { kind: 'AwsProviderConnection', uid, slug: 'my-aws-connection' },
      revision,
      references,
      phase,
    });
    return uid;
  };

  const resolve = async (
    ownerUid: string,
    references: Reference[],
    {
      service = SERVICE,
      organizationUid = org.uid,
      purpose = 'verify on schedule',
      actor,
    }: { service?: string; organizationUid?: string; purpose?: string; actor?: TestCaller } = {},
  ) =>
    (await config.asService(service, actor)).resolveOwnedReferences({
      organizationUid,
      ownerUid,
      references,
      purpose,
    });

  test('gives a service, in its own name, what is registered for its owner, and says so in the trail', async () => {
    const uid = await register([secret('aws', 'id'), secret('aws', 'key'), variable('region')]);
    const { values } = await resolve(uid, [variable('region'), secret('aws', 'key'), secret('aws', 'id')]);
    expect(values).toMatchObject([
      { value: 'us-west-2', version: 0 },
      { value: 'the-key', version: 1 },
      { value: 'the-id', version: 1 },
    ]);
    expect(await reads()).toMatchObject([
      {
        action: 'secret.access',
        actorName: SERVICE,
        viaService: SERVICE,
        resourceSlug: 'aws',
        version: 1,
        purpose: 'verify on schedule',
        outcome: AuditOutcome.SUCCEEDED,
        details: { owner_uid: uid, entries: 'id,key' },
      },
    ]);
  });

  test('follows what is committed for the owner', async () => {
    const uid = await register([secret('aws', 'id'), secret('other')]);
    await register([secret('other')], { uid, phase: ReferencePhase.COMMIT });
    expect((await resolve(uid, [secret('other')])).values[0]?.value).toBe('other-value');
    expect(await refusalOf(resolve(uid, [secret('aws', 'id')]))).toMatchObject({
      reason: 'REFERENCES_NOT_FOUND',
      message: `secret "aws" is not registered for owner ${uid}`,
    });
    await register([], { uid, revision: 2, phase: ReferencePhase.COMMIT });
    expect(await refusalOf(resolve(uid, [secret('other')]))).toMatchObject({ kind: 'missing' });
  });

  test('gives nothing else, and puts nothing on record', async () => {
    const uid = await register([secret('aws', 'id')]);
    const theirs = await register([secret('aws', 'id')], { service: 'runner-gateway' });
    const elsewhere = config.newOrg('elsewhere');
    for (const call of [
      () => resolve(uid, [secret('other')]),
      () => resolve(uid, [secret('aws', 'key')]),
      () => resolve(uid, [secret('aws', 'id'), variable('region')]),
      () => resolve('unknown', [secret('aws', 'id')]),
      () => resolve(uid, [secret('aws', 'id')], { service: 'runner-gateway' }),
      () => resolve(theirs, [secret('aws', 'id')]),
      () => resolve(uid, [secret('aws', 'id')], { organizationUid: elsewhere.uid }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'missing', reason: 'REFERENCES_NOT_FOUND' });
    }
    expect(await reads()).toEqual([]);
  });

  test('is for services alone', async () => {
    const uid = await register([secret('aws', 'id')]);
    const asked = { organizationUid: org.uid, ownerUid: uid, references: [secret('aws', 'id')] };
    expect(await refusalOf(client.resolveOwnedReferences(asked))).toMatchObject({
      kind: 'denied',
      reason: 'SERVICE_ONLY',
    });
    expect(await reads()).toEqual([]);
  });

  test('refuses an actor of another organisation, and names one of this organisation as the reader', async () => {
    const uid = await register([secret('aws', 'id')]);
    const stranger = { org: config.newOrg('elsewhere'), role: 'owner' as const };
    expect(await refusalOf(resolve(uid, [secret('aws', 'id')], { actor: stranger }))).toMatchObject({
      kind: 'denied',
      reason: 'ORGANIZATION_MISMATCH',
    });
    expect(await reads()).toEqual([]);
    const actor = { org, role: 'viewer' as const, name: 'Ann' };
    expect((await resolve(uid, [secret('aws', 'id')], { actor })).values[0]?.value).toBe('the-id');
    expect(await reads()).toMatchObject([{ actorName: 'Ann', viaService: SERVICE }]);
  });

  test('follows new versions, and never the slug to another secret', async () => {
    const uid = await register([secret('other'), variable('region')]);
    await client.setSecret({ org: org.slug, slug: 'other', entries: { value: 'rotated' } });
    expect((await resolve(uid, [secret('other')])).values).toMatchObject([{ value: 'rotated', version: 2 }]);

    await sql`update config.secret set delete_time = now() where organization_uid = ${org.uid} and slug = 'other'`.execute(
      config.database.query,
    );
    await client.setSecret({ org: org.slug, slug: 'other', entries: { value: 'of another secret' } });
    expect(await refusalOf(resolve(uid, [variable('region'), secret('other')]))).toMatchObject({
      kind: 'missing',
      message: 'secret "other" was deleted',
      hint: 'planton secret list',
      violations: [{ field: 'references[1]' }],
    });
  });

  test('a record that cannot be written keeps the values in', async () => {
    const uid = await register([secret('other')]);
    await sql`alter table config.audit_record add constraint broken check (purpose <> 'fail')`.execute(
      config.database.query,
    );
    try {
      const refused = await refusalOf(resolve(uid, [secret('other')], { purpose: 'fail' }));
      expect(refused).toMatchObject({ kind: 'internal' });
      expect(JSON.stringify(refused)).not.toContain('other-value');
    } finally {
      await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
    }
    expect(await reads()).toEqual([]);
    expect(JSON.stringify(config.log)).not.toContain('other-value');
  });

  test('what does not decrypt is recorded as failed, and nothing is handed out', async () => {
    const uid = await register([secret('aws', 'key'), secret('other')]);
    await sql`update config.secret_entry e set ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1)
      from config.secret_version v where v.uid = e.version_uid and v.organization_uid = ${org.uid} and e.key = 'key'`.execute(
      config.database.query,
    );
    const refused = await refusalOf(resolve(uid, [secret('other'), secret('aws', 'key')]));
    expect(refused).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
    const failed = (await reads()).filter(({ outcome }) => outcome === AuditOutcome.FAILED);
    expect(failed).toMatchObject([
      { resourceSlug: 'aws', viaService: SERVICE, details: { reason: 'SECRET_DAMAGED', entries: 'key' } },
    ]);
  });

  test('many at once are each on record', async () => {
    const uid = await register([secret('aws', 'id')]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => resolve(uid, [secret('aws', 'id')])));
    expect(answers.map(({ values }) => values[0]?.value)).toEqual(Array(20).fill('the-id'));
    expect(await reads()).toHaveLength(20);
  });

  test.each([
    ['no owner', { ownerUid: '' }],
    ['no organisation', { organizationUid: '' }],
    ['no references', { references: [] }],
    ['too many references', { references: Array.from({ length: 101 }, () => variable('region')) }],
    ['a reference to nothing', { references: [create(ReferenceSchema)] }],
    ['a purpose with a NUL', { purpose: 'a\0b' }],
  ])('refuses %s', async (_, wrong) => {
    const service = await config.asService(SERVICE);
    const asked = { organizationUid: org.uid, ownerUid: 'owner', references: [variable('region')] };
    expect(await refusalOf(service.resolveOwnedReferences({ ...asked, ...wrong }))).toMatchObject({
      kind: 'invalid',
      reason: 'VALIDATION_FAILED',
    });
  });
});
