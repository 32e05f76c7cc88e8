import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Reference, ReferencePhase, ReferenceSchema } from '@planton/api/config/v1/reference';
import { engines, useTestEngine } from '@planton/database/testing';
import type { RoleName } from '@planton/rpc';
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

const { REGISTER, COMMIT } = ReferencePhase;

describe.each(engines)('SetReferences on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let client: ConfigManagerClient;
  let owner: { kind: string; uid: string; slug: string };
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    org = config.newOrg();
    client = await config.as({ org });
    owner = { kind: 'AwsProviderConnection', uid: crypto.randomUUID(), slug: 'my-aws-connection' };
  });

  interface Sending {
    readonly service?: string;
    readonly role?: RoleName | 'nobody';
    readonly environments?: readonly string[];
    readonly by?: typeof owner;
  }
  const send = async (
    phase: ReferencePhase,
    revision: number,
    references: Reference[],
    { service = 'connection-service', role = 'admin', environments, by = owner }: Sending = {},
  ) => {
    const actor = {
      org,
      role: role === 'nobody' ? ('admin' as const) : role,
      ...(environments ? { environments } : {}),
    };
    const caller = await config.asService(service, role === 'nobody' ? undefined : actor);
    return caller.setReferences({
      org: org.slug,
      organizationUid: org.uid,
      owner: by,
      revision,
      references,
      phase,
    });
  };
  const setSecret = (slug: string, entries: Record<string, string> = { value: '1' }) =>
    client.setSecret({ org: org.slug, slug, entries });
  const usersOf = async (slug: string) => {
    const { usages } = await client.listUsages({ org: org.slug, target: { case: 'secret', value: slug } });
    return usages.map((usage) => `${usage.owner?.slug} ${usage.confirmed ? 'confirmed' : 'registered'}`);
  };
  const unconfirmed = async (service = 'connection-service') => {
    const caller = await config.asService(service);
    const before = timestampFromDate(new Date(Date.now() + 60_000));
    const { owners } = await caller.listUnconfirmedOwners({ before });
    return owners.filter(({ organizationUid }) => organizationUid === org.uid);
  };

  test('what is in use cannot be deleted, and its users are named', async () => {
    await setSecret('aws-key');
    await client.setVariable({ org: org.slug, slug: 'region', value: 'us-west-2' });
    await send(REGISTER, 1, [secret('aws-key'), variable('region'), secret('aws-key')]);
    expect(await usersOf('aws-key')).toEqual(['my-aws-connection registered']);
    await send(COMMIT, 1, [secret('aws-key'), variable('region')], { role: 'nobody' });
    expect(await usersOf('aws-key')).toEqual(['my-aws-connection confirmed']);

    expect(await refusalOf(client.deleteSecret({ org: org.slug, slug: 'aws-key' }))).toMatchObject({
      kind: 'state',
      reason: 'SECRET_IN_USE',
      message: 'secret "aws-key" is in use by AwsProviderConnection my-aws-connection',
      hint: 'planton secret usages aws-key',
      metadata: { users: 'AwsProviderConnection my-aws-connection' },
    });
    expect(await refusalOf(client.deleteVariable({ org: org.slug, slug: 'region' }))).toMatchObject({
      kind: 'state',
      reason: 'VARIABLE_IN_USE',
      hint: 'planton variable usages region',
    });

    await send(COMMIT, 2, [], { role: 'nobody' });
    await client.deleteSecret({ org: org.slug, slug: 'aws-key' });
    await client.deleteVariable({ org: org.slug, slug: 'region' });
  });

  test('all that is missing is named in one error, with the next command', async () => {
    await setSecret('other', { a: '1', b: '2' });
    const refused = await refusalOf(
      send(REGISTER, 1, [
        secret('aws-access-key-id'),
        secret('other', 'value'),
        variable('region'),
        secret('other', 'a'),
      ]),
    );
    expect(refused).toMatchObject({
      kind: 'missing',
      reason: 'REFERENCES_NOT_FOUND',
      hint: 'planton secret set aws-access-key-id value=…',
      violations: [
        {
          field: 'references[0]',
          message: 'secret "aws-access-key-id" does not exist in organisation "acme"',
        },
        { field: 'references[1]', message: 'secret "other" has no entry "value"; it has: a, b' },
        { field: 'references[2]', message: 'variable "region" does not exist in organisation "acme"' },
      ],
    });
    expect(refused.message).toContain('aws-access-key-id');
    expect(refused.message).toContain('region');
    expect(await usersOf('other')).toEqual([]);
    expect(await unconfirmed()).toEqual([]);

    const entry = await refusalOf(send(REGISTER, 1, [secret('other', 'value')]));
    expect(entry.hint).toBe('planton secret set other value=… --merge');
  });

  test('secrets of an environment or of another organisation are not there', async () => {
    config.addEnvironment(org, 'prod');
    await client.setSecret({ org: org.slug, environment: 'prod', slug: 'of-prod', entries: { value: '1' } });
    const other = config.newOrg();
    const stranger = await config.as({ org: other });
    await stranger.setSecret({ org: other.slug, slug: 'foreign', entries: { value: '1' } });
    const refused = await refusalOf(send(REGISTER, 1, [secret('of-prod'), secret('foreign')]));
    expect(refused.violations).toHaveLength(2);
  });

  test('who may not use a secret does not let a connection use it', async () => {
    await setSecret('aws-key');
    await client.setVariable({ org: org.slug, slug: 'region', value: 'us-west-2' });
    const dev = config.addEnvironment(org, 'dev');
    for (const refused of [
      await refusalOf(send(REGISTER, 1, [variable('region'), secret('aws-key')], { role: 'developer' })),
      await refusalOf(send(REGISTER, 1, [secret('aws-key'), secret('unknown')], { role: 'viewer' })),
      await refusalOf(send(REGISTER, 1, [secret('aws-key')], { role: 'admin', environments: [dev] })),
    ]) {
      expect(refused).toMatchObject({ kind: 'denied', reason: 'SECRET_USE_DENIED' });
      expect(refused.message).toContain('"aws-key"');
    }
    expect(await usersOf('aws-key')).toEqual([]);
    await send(REGISTER, 1, [variable('region')], { role: 'developer' });
  });

  test('letting a connection use a secret is on record once', async () => {
    await setSecret('aws-key', { id: '1', secret: '2' });
    await send(REGISTER, 1, [secret('aws-key', 'id'), secret('aws-key', 'secret')]);
    await send(REGISTER, 1, [secret('aws-key', 'id'), secret('aws-key', 'secret')]);
    const { records } = await client.listAuditRecords({ org: org.slug, action: 'secret.use' });
    expect(records).toMatchObject([
      {
        resourceSlug: 'aws-key',
        viaService: 'connection-service',
        details: { owner_slug: 'my-aws-connection', entries: 'id,secret' },
      },
    ]);
  });

  test('people cannot send it, and no one can without an actor', async () => {
    await setSecret('aws-key');
    const request = {
      org: org.slug,
      organizationUid: org.uid,
      owner,
      revision: 1,
      references: [],
      phase: REGISTER,
    };
    expect(await refusalOf(client.setReferences(request))).toMatchObject({
      kind: 'denied',
      reason: 'SERVICE_ONLY',
    });
    expect(await refusalOf(send(REGISTER, 1, [secret('aws-key')], { role: 'nobody' }))).toMatchObject({
      kind: 'denied',
      reason: 'ACTOR_MISSING',
    });
    const other = config.newOrg();
    const service = await config.asService('connection-service', { org });
    const mixed = service.setReferences({ ...request, organizationUid: other.uid });
    expect(await refusalOf(mixed)).toMatchObject({ kind: 'denied', reason: 'ORGANIZATION_MISMATCH' });
  });

  test('an owner is of one service and one organisation', async () => {
    await setSecret('aws-key');
    await send(REGISTER, 1, [secret('aws-key')]);
    expect(await refusalOf(send(REGISTER, 2, [], { service: 'runner-gateway' }))).toMatchObject({
      kind: 'denied',
      reason: 'OWNER_MISMATCH',
    });
    expect(await refusalOf(send(COMMIT, 2, [], { service: 'runner-gateway', role: 'nobody' }))).toMatchObject(
      {
        reason: 'OWNER_MISMATCH',
      },
    );
    expect(await usersOf('aws-key')).toEqual(['my-aws-connection registered']);
  });

  test('registering adds, committing leaves exactly what was committed', async () => {
    for (const slug of ['a', 'b', 'c']) await setSecret(slug);
    await send(REGISTER, 1, [secret('a'), secret('b')]);
    await send(COMMIT, 1, [secret('a'), secret('b')]);
    await send(REGISTER, 2, [secret('b'), secret('c')]);
    expect(await usersOf('a')).toEqual(['my-aws-connection confirmed']);
    expect(await usersOf('c')).toEqual(['my-aws-connection registered']);
    await send(COMMIT, 2, [secret('b'), secret('c')]);
    await send(COMMIT, 2, [secret('c'), secret('b')]);
    expect(await usersOf('a')).toEqual([]);
    expect(await usersOf('b')).toEqual(['my-aws-connection confirmed']);
    expect(await usersOf('c')).toEqual(['my-aws-connection confirmed']);
  });

  test('a crash after registering leaves a superset, listed until it is confirmed', async () => {
    for (const slug of ['a', 'b', 'c']) await setSecret(slug);
    await send(REGISTER, 1, [secret('a')]);
    expect(await unconfirmed()).toMatchObject([{ owner, revision: 1 }]);
    expect(await unconfirmed('runner-gateway')).toEqual([]);
    await send(COMMIT, 1, [secret('a')]);
    expect(await unconfirmed()).toEqual([]);

    await send(REGISTER, 2, [secret('b')]);
    await send(REGISTER, 2, [secret('c')]);
    expect(await unconfirmed()).toMatchObject([{ revision: 2 }]);
    expect(await refusalOf(client.deleteSecret({ org: org.slug, slug: 'b' }))).toMatchObject({
      reason: 'SECRET_IN_USE',
    });
    await send(COMMIT, 2, [secret('a')], { role: 'nobody' });
    expect(await usersOf('a')).toEqual(['my-aws-connection confirmed']);
    await client.deleteSecret({ org: org.slug, slug: 'b' });
    await client.deleteSecret({ org: org.slug, slug: 'c' });
    expect(await unconfirmed()).toEqual([]);
  });

  test('a registration under a revision that was given up is open again', async () => {
    for (const slug of ['a', 'b']) await setSecret(slug);
    await send(REGISTER, 1, [secret('a')]);
    await send(COMMIT, 1, [], { role: 'nobody' });
    await send(REGISTER, 1, [secret('b')]);
    expect(await unconfirmed()).toMatchObject([{ revision: 1 }]);
    await send(COMMIT, 1, [secret('b')]);
    expect(await usersOf('b')).toEqual(['my-aws-connection confirmed']);
  });

  test('only what is old enough is listed as unconfirmed', async () => {
    await setSecret('a');
    await send(REGISTER, 1, [secret('a')]);
    const caller = await config.asService('connection-service');
    const { owners } = await caller.listUnconfirmedOwners({
      before: timestampFromDate(new Date(Date.now() - 60_000)),
    });
    expect(owners.filter(({ organizationUid }) => organizationUid === org.uid)).toEqual([]);
  });

  test('what is older than the latest revision is refused, also after the owner is gone', async () => {
    for (const slug of ['a', 'b']) await setSecret(slug);
    await send(REGISTER, 3, [secret('a')]);
    for (const phase of [REGISTER, COMMIT]) {
      expect(await refusalOf(send(phase, 2, [secret('a')]))).toMatchObject({
        kind: 'stale',
        reason: 'REFERENCE_REVISION_STALE',
      });
    }
    await send(COMMIT, 4, []);
    expect(await refusalOf(send(COMMIT, 3, [secret('a')]))).toMatchObject({
      reason: 'REFERENCE_REVISION_STALE',
    });
    expect(await usersOf('a')).toEqual([]);
  });

  test('committing never adds', async () => {
    for (const slug of ['a', 'b']) await setSecret(slug);
    await send(REGISTER, 1, [secret('a')]);
    expect(await refusalOf(send(COMMIT, 1, [secret('a'), secret('b')]))).toMatchObject({
      kind: 'state',
      reason: 'REFERENCES_NOT_REGISTERED',
    });
    expect(await usersOf('b')).toEqual([]);
  });

  test('of deleting and registering at once, one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const slug = `race-${round}`;
      const by = { ...owner, uid: crypto.randomUUID(), slug: `owner-${round}` };
      await setSecret(slug);
      const [deleted, registered] = await Promise.allSettled([
        client.deleteSecret({ org: org.slug, slug }),
        send(REGISTER, 1, [secret(slug)], { by }),
      ]);
      expect([deleted.status, registered.status].sort()).toEqual(['fulfilled', 'rejected']);
      const loser = deleted.status === 'rejected' ? deleted : registered;
      const { reason } = await refusalOf(
        Promise.reject(loser.status === 'rejected' ? loser.reason : undefined),
      );
      expect(reason).toBe(deleted.status === 'rejected' ? 'SECRET_IN_USE' : 'REFERENCES_NOT_FOUND');
    }
  });

  test('two owners that register at once both count', async () => {
    for (const slug of ['a', 'b']) await setSecret(slug);
    const owners = Array.from({ length: 8 }, (_, i) => ({
      ...owner,
      uid: crypto.randomUUID(),
      slug: `o${i}`,
    }));
    await Promise.all(
      owners.map((by, i) =>
        send(REGISTER, 1, i % 2 === 0 ? [secret('a'), secret('b')] : [secret('b'), secret('a')], { by }),
      ),
    );
    expect(await usersOf('a')).toHaveLength(8);
    expect(await refusalOf(client.deleteSecret({ org: org.slug, slug: 'a' }))).toMatchObject({
      message: expect.stringContaining('AwsProviderConnection o7'),
    });
  });

  test('a slug that was made again has no users', async () => {
    await setSecret('a');
    await send(REGISTER, 1, [secret('a')]);
    await send(COMMIT, 2, []);
    await client.deleteSecret({ org: org.slug, slug: 'a' });
    await setSecret('a');
    expect(await usersOf('a')).toEqual([]);
    const missing = client.listUsages({ org: org.slug, target: { case: 'variable', value: 'a' } });
    expect(await refusalOf(missing)).toMatchObject({ kind: 'missing', reason: 'VARIABLE_NOT_FOUND' });
  });
});
