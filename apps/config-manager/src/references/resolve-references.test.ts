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
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

const secret = (slug: string, key = 'value') =>
  create(ReferenceSchema, { target: { case: 'secret', value: { slug, key } } });
const variable = (slug: string) => create(ReferenceSchema, { target: { case: 'variable', value: slug } });

const SERVICE = 'connection-service';

describe.each(engines)('ResolveReferences on %s', (kind) => {
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

  describe('in the name of a person', () => {
    const resolve = (
      caller: ConfigManagerClient,
      references: Reference[],
      environment = '',
      purpose = 'deploy',
    ) => caller.resolveReferences({ org: org.slug, environment, references, purpose });

    test('returns all values in one answer, in order, one record for each secret', async () => {
      const { values } = await resolve(client, [
        secret('other'),
        variable('region'),
        secret('aws', 'key'),
        secret('aws', 'id'),
        secret('aws', 'key'),
      ]);
      expect(values.map(({ value }) => value)).toEqual([
        'other-value',
        'us-west-2',
        'the-key',
        'the-id',
        'the-key',
      ]);
      expect(values.map(({ version }) => version)).toEqual([1, 0, 1, 1, 1]);
      const records = await reads();
      expect(
        records.map(({ resourceSlug, details }) => `${resourceSlug}: ${details.entries}`).sort(),
      ).toEqual(['aws: id,key', 'other: value']);
      for (const record of records) {
        expect(record).toMatchObject({ purpose: 'deploy', outcome: AuditOutcome.SUCCEEDED, viaService: '' });
      }
    });

    test('names all that is missing in one error, and then records and returns nothing', async () => {
      const refused = await refusalOf(
        resolve(client, [secret('aws', 'id'), secret('none'), secret('aws', 'none'), variable('none')]),
      );
      expect(refused).toMatchObject({
        kind: 'missing',
        reason: 'REFERENCES_NOT_FOUND',
        violations: [
          { field: 'references[1]', message: 'secret "none" does not exist in organisation "acme"' },
          { field: 'references[2]', message: 'secret "aws" has no entry "none"' },
          { field: 'references[3]', message: 'variable "none" does not exist in organisation "acme"' },
        ],
      });
      expect(await reads()).toEqual([]);
    });

    test('those who ask at the same time are each answered, refused and recorded by themselves', async () => {
      const mine = org;
      const theirs = config.newOrg();
      const other = await config.as({ org: theirs });
      await other.setSecret({ org: theirs.slug, slug: 'aws', entries: { id: 'their-id' } });
      const ask = (asker: ConfigManagerClient, asked: Org, references: Reference[]) =>
        asker.resolveReferences({ org: asked.slug, references, purpose: 'deploy' }).then(
          ({ values }) => values.map(({ value }) => value).join(),
          async (error) =>
            (await refusalOf(Promise.reject(error))).violations?.map(({ field }) => field).join(),
        );
      const round = () =>
        Promise.all([
          ask(client, mine, [secret('aws', 'key'), variable('region'), secret('aws', 'id')]),
          ask(client, mine, [variable('region')]),
          ask(other, theirs, [secret('aws', 'id')]),
          ask(other, theirs, [secret('aws', 'id'), secret('other'), variable('region')]),
        ]);
      const expected = ['the-key,us-west-2,the-id', 'us-west-2', 'their-id', 'references[1],references[2]'];
      expect(await Promise.all(Array.from({ length: 20 }, round))).toEqual(
        Array.from({ length: 20 }, () => expected),
      );
      const recorded = async (asker: ConfigManagerClient, asked: Org) => {
        const filter = { org: asked.slug, action: 'secret.access', pageSize: 200 };
        const { records } = await asker.listAuditRecords(filter);
        return records.map(({ resourceSlug, details }) => `${resourceSlug}: ${details.entries}`);
      };
      expect(await recorded(client, mine)).toEqual(Array.from({ length: 20 }, () => 'aws: id,key'));
      expect(await recorded(other, theirs)).toEqual(Array.from({ length: 20 }, () => 'aws: id'));
    });

    test('does not fall back from an environment to the organisation', async () => {
      config.addEnvironment(org, 'prod');
      await client.setVariable({ org: org.slug, environment: 'prod', slug: 'region', value: 'eu-west-1' });
      expect((await resolve(client, [variable('region')], 'prod')).values[0]?.value).toBe('eu-west-1');
      expect(await refusalOf(resolve(client, [secret('other')], 'prod'))).toMatchObject({
        reason: 'REFERENCES_NOT_FOUND',
      });
    });

    test('needs the permission to read what is asked for', async () => {
      const developer = await config.as({ org, role: 'developer' });
      expect((await resolve(developer, [variable('region')])).values[0]?.value).toBe('us-west-2');
      expect(await refusalOf(resolve(developer, [variable('region'), secret('other')]))).toMatchObject({
        kind: 'denied',
        metadata: { permission: 'secret_access' },
      });
      const deployer = await config.as({ org, role: 'deployer' });
      expect(await refusalOf(resolve(deployer, [variable('region')]))).toMatchObject({ kind: 'denied' });
      const viewer = await config.as({ org, role: 'viewer' });
      expect(await refusalOf(resolve(viewer, [variable('region')]))).toMatchObject({ kind: 'denied' });
      const dev = config.addEnvironment(org, 'dev');
      const limited = await config.as({ org, role: 'admin', environments: [dev] });
      expect(await refusalOf(resolve(limited, [secret('other')]))).toMatchObject({
        reason: 'ENVIRONMENT_NOT_COVERED',
      });
      expect(await reads()).toEqual([]);
    });

    test('what does not decrypt is recorded as failed, and nothing is handed out', async () => {
      await sql`update config.secret_entry e set ciphertext = set_byte(ciphertext, 20, get_byte(ciphertext, 20) # 1)
        from config.secret_version v where v.uid = e.version_uid and v.organization_uid = ${org.uid} and e.key = 'key'`.execute(
        config.database.query,
      );
      const call = resolve(client, [secret('other'), secret('aws', 'key')]);
      expect(await refusalOf(call)).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
      const failed = (await reads()).filter(({ outcome }) => outcome === AuditOutcome.FAILED);
      expect(failed).toMatchObject([{ resourceSlug: 'aws', details: { reason: 'SECRET_DAMAGED' } }]);
      expect(await resolve(client, [secret('aws', 'id')])).toMatchObject({ values: [{ value: 'the-id' }] });
    });

    test('a record that cannot be written keeps the values in', async () => {
      await sql`alter table config.audit_record add constraint broken check (purpose <> 'fail')`.execute(
        config.database.query,
      );
      try {
        expect(await refusalOf(resolve(client, [secret('other')], '', 'fail'))).toMatchObject({
          kind: 'internal',
        });
      } finally {
        await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
      }
      expect(JSON.stringify(config.log)).not.toContain('other-value');
    });

    test('a hundred references and no more', async () => {
      const references = Array.from({ length: 100 }, () => secret('aws', 'id'));
      expect((await resolve(client, references)).values).toHaveLength(100);
      const refused = await refusalOf(resolve(client, [...references, variable('region')]));
      expect(refused).toMatchObject({ reason: 'VALIDATION_FAILED' });
      expect(await refusalOf(resolve(client, [create(ReferenceSchema)]))).toMatchObject({
        reason: 'VALIDATION_FAILED',
      });
      expect(await refusalOf(resolve(client, [secret('a\0', 'b')]))).toMatchObject({
        reason: 'VALIDATION_FAILED',
      });
      expect(await refusalOf(resolve(client, [secret(`{"a',`, '\\"{},')]))).toMatchObject({
        kind: 'missing',
      });
    });
  });

  describe('for an owner', () => {
    const owner = { kind: 'AwsProviderConnection', uid: '', slug: 'my-aws-connection' };
    const resolve = async (
      ownerUid: string,
      references: Reference[],
      { service = SERVICE, actor = { org, role: 'deployer' as const }, environment = '' } = {},
    ) =>
      (await config.asService(service, actor)).resolveReferences({
        org: actor.org.slug,
        ownerUid,
        references,
        environment,
        purpose: 'issue credentials',
      });
    const register = async (references: Reference[]) => {
      const uid = crypto.randomUUID();
      const service = await config.asService(SERVICE, { org });
      await service.setReferences({
        org: org.slug,
        organizationUid: org.uid,
        owner: { ...owner, uid },
        revision: 1,
        references,
        phase: ReferencePhase.REGISTER,
      });
      return uid;
    };

    test('gives a service what is registered for the owner, to an actor who may not read secrets', async () => {
      const uid = await register([secret('aws', 'id'), secret('aws', 'key'), variable('region')]);
      const { values } = await resolve(uid, [variable('region'), secret('aws', 'key')]);
      expect(values.map(({ value }) => value)).toEqual(['us-west-2', 'the-key']);
      expect(await reads()).toMatchObject([
        {
          resourceSlug: 'aws',
          viaService: SERVICE,
          purpose: 'issue credentials',
          details: { owner_uid: uid, entries: 'key' },
        },
      ]);
    });

    test('an actor whose role is limited to an environment may use it too', async () => {
      const uid = await register([secret('other')]);
      const dev = config.addEnvironment(org, 'dev');
      const actor = { org, role: 'deployer' as const, environments: [dev] };
      expect((await resolve(uid, [secret('other')], { actor })).values[0]?.value).toBe('other-value');
    });

    test('gives nothing else', async () => {
      const uid = await register([secret('aws', 'id')]);
      const other = config.newOrg();
      for (const call of [
        () => resolve(uid, [secret('other')]),
        () => resolve(uid, [secret('aws', 'key')]),
        () => resolve(uid, [secret('aws', 'id'), variable('region')]),
        () => resolve('unknown', [secret('aws', 'id')]),
        () => resolve(uid, [secret('aws', 'id')], { service: 'runner-gateway' }),
        () => resolve(uid, [secret('aws', 'id')], { actor: { org: other, role: 'deployer' } }),
      ]) {
        expect(await refusalOf(call())).toMatchObject({ kind: 'missing', reason: 'REFERENCES_NOT_FOUND' });
      }
      expect(await refusalOf(resolve(uid, [secret('aws', 'id')], { environment: 'prod' }))).toMatchObject({
        kind: 'invalid',
      });
      const person = client.resolveReferences({
        org: org.slug,
        ownerUid: uid,
        references: [secret('aws', 'id')],
      });
      expect(await refusalOf(person)).toMatchObject({ kind: 'denied', reason: 'SERVICE_ONLY' });
      const alone = (await config.asService(SERVICE)).resolveReferences({
        org: org.slug,
        ownerUid: uid,
        references: [secret('aws', 'id')],
      });
      expect(await refusalOf(alone)).toMatchObject({ kind: 'denied', reason: 'ACTOR_MISSING' });
      expect(await reads()).toEqual([]);
    });

    test('follows new versions, and never the slug to another secret', async () => {
      const uid = await register([secret('other')]);
      await client.setSecret({ org: org.slug, slug: 'other', entries: { value: 'rotated' } });
      expect((await resolve(uid, [secret('other')])).values).toMatchObject([
        { value: 'rotated', version: 2 },
      ]);

      await sql`update config.secret set delete_time = now() where organization_uid = ${org.uid} and slug = 'other'`.execute(
        config.database.query,
      );
      await client.setSecret({ org: org.slug, slug: 'other', entries: { value: 'of another secret' } });
      const refused = await refusalOf(resolve(uid, [secret('other')]));
      expect(refused).toMatchObject({ kind: 'missing', message: 'secret "other" was deleted' });
    });

    test('an entry that went with a later version is named', async () => {
      const uid = await register([secret('aws', 'key')]);
      await client.setSecret({ org: org.slug, slug: 'aws', entries: { id: 'alone' } });
      expect(await refusalOf(resolve(uid, [secret('aws', 'key')]))).toMatchObject({
        message: 'secret "aws" has no entry "key"',
      });
    });
  });
});
