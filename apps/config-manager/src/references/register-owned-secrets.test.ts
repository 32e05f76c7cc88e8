import { create } from '@bufbuild/protobuf';
import { type Reference, ReferencePhase, ReferenceSchema } from '@planton/api/config/v1/reference';
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
  type TestCaller,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

const secret = (slug: string, key = 'value') =>
  create(ReferenceSchema, { target: { case: 'secret', value: { slug, key } } });
const variable = (slug: string) => create(ReferenceSchema, { target: { case: 'variable', value: slug } });

const { REGISTER, COMMIT } = ReferencePhase;
const SERVICE = 'connection-service';

describe.each(engines)('references to server-owned secrets on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let people: ConfigManagerClient;
  let owner: TestOwner;
  let thief: TestOwner;
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
    thief = newOwner('thief');
    calls = await callOwnedSecrets(config, org, owner);
    uid = crypto.randomUUID();
    ({ value } = await calls.mint(uid));
    await people.setSecret({ org: org.slug, slug: 'of-people', entries: { value: 'of people' } });
    await people.setVariable({ org: org.slug, slug: 'region', value: 'us-west-2' });
  });

  interface Sending {
    readonly by?: TestOwner;
    readonly service?: string;
    readonly actor?: TestCaller;
    readonly within?: Org;
    readonly phase?: ReferencePhase;
    readonly revision?: number;
    readonly validateOnly?: boolean;
  }
  const send = async (references: Reference[], sending: Sending = {}) => {
    const { by = owner, service = SERVICE, actor, within = org, phase = REGISTER } = sending;
    const { revision = 1, validateOnly = false } = sending;
    return (await config.asService(service, actor)).setReferences({
      org: actor ? within.slug : '',
      organizationUid: within.uid,
      owner: { ...by },
      revision,
      references,
      phase,
      validateOnly,
    });
  };
  const admin = (): TestCaller => ({ org, role: 'admin', name: 'Ann' });
  const developer = (): TestCaller => ({ org, role: 'developer' });
  const resolveOwned = async (references: Reference[], by = owner, service = SERVICE) =>
    (await config.asService(service)).resolveOwnedReferences({
      organizationUid: org.uid,
      ownerUid: by.uid,
      references,
    });
  const usersOf = async (slug: string) => {
    const { usages } = await people.listUsages({ org: org.slug, target: { case: 'secret', value: slug } });
    return usages.map((usage) => usage.owner?.slug);
  };

  test('an owner registers its own in the name of its service, and reads it', async () => {
    await send([secret('external-id')], { validateOnly: true });
    expect(await usersOf('external-id')).toEqual([]);
    await send([secret('external-id'), secret('external-id')]);
    expect(await usersOf('external-id')).toEqual([owner.slug]);
    expect((await resolveOwned([secret('external-id')])).values).toMatchObject([
      { value, targetUid: uid, version: 1 },
    ]);
    const { records } = await people.listAuditRecords({ org: org.slug, action: 'secret.use' });
    expect(records).toMatchObject([
      { actorName: SERVICE, viaService: SERVICE, resourceUid: uid, details: { owner_uid: owner.uid } },
    ]);
    await send([secret('external-id')], { phase: COMMIT });
    expect((await resolveOwned([secret('external-id')])).values).toMatchObject([{ value }]);
  });

  test('an actor who may use no secret registers it, with what else needs no permission', async () => {
    await send([secret('external-id'), variable('region')], { actor: developer() });
    expect(await usersOf('external-id')).toEqual([owner.slug]);
    const environment = config.addEnvironment(org, 'dev');
    await send([secret('external-id')], { actor: { org, role: 'admin', environments: [environment] } });

    const refused = await refusalOf(
      send([secret('external-id'), secret('of-people'), secret('unknown')], { actor: developer() }),
    );
    expect(refused).toMatchObject({ kind: 'denied', reason: 'SECRET_USE_DENIED' });
    expect(refused.metadata).toMatchObject({ secrets: 'of-people,unknown' });
    expect(await usersOf('of-people')).toEqual([]);
    await send([secret('external-id'), secret('of-people')], { actor: admin() });
    expect(await usersOf('of-people')).toEqual([owner.slug]);
  });

  test.each([true, false])(
    'without an actor nothing else is registered (validate only: %s)',
    async (validateOnly) => {
      for (const references of [
        [],
        [secret('of-people')],
        [secret('unknown')],
        [variable('region')],
        [secret('external-id'), variable('region')],
        [secret('external-id'), secret('of-people')],
        [secret('of-people'), secret('external-id')],
        [secret('external-id'), secret('unknown')],
      ]) {
        expect(await refusalOf(send(references, { validateOnly }))).toMatchObject({
          kind: 'denied',
          reason: 'ACTOR_MISSING',
        });
      }
      expect(await refusalOf(send([secret('external-id', 'other')], { validateOnly }))).toMatchObject({
        kind: 'missing',
        reason: 'REFERENCES_NOT_FOUND',
      });
      expect([await usersOf('external-id'), await usersOf('of-people')]).toEqual([[], []]);
      const owners = await config.database.query
        .selectFrom('reference_owner')
        .selectAll()
        .where('uid', '=', owner.uid)
        .execute();
      expect(owners).toEqual([]);
    },
  );

  test('no other connection, service or organisation uses it', async () => {
    const elsewhere = config.newOrg('elsewhere');
    const references = [secret('external-id')];
    const attempts: readonly (readonly [Sending, string])[] = [
      [{ by: thief }, 'ACTOR_MISSING'],
      [{ by: thief, actor: admin() }, 'SECRET_SERVER_OWNED'],
      [{ by: thief, actor: { org, role: 'owner' } }, 'SECRET_SERVER_OWNED'],
      [{ by: thief, actor: developer() }, 'SECRET_USE_DENIED'],
      [{ service: 'runner-gateway' }, 'ACTOR_MISSING'],
      [{ service: 'runner-gateway', actor: admin() }, 'SECRET_SERVER_OWNED'],
      [{ service: 'runner-gateway', actor: developer() }, 'SECRET_USE_DENIED'],
      [{ within: elsewhere }, 'ACTOR_MISSING'],
      [{ within: elsewhere, actor: { org: elsewhere, role: 'admin' } }, 'REFERENCES_NOT_FOUND'],
      [{ within: elsewhere, actor: { org: elsewhere, role: 'developer' } }, 'SECRET_USE_DENIED'],
      [{ within: elsewhere, actor: admin() }, 'ORGANIZATION_MISMATCH'],
      [{ actor: { org: elsewhere, role: 'admin' } }, 'ORGANIZATION_MISMATCH'],
    ];
    for (const [sending, reason] of attempts) {
      for (const validateOnly of [true, false]) {
        expect((await refusalOf(send(references, { ...sending, validateOnly }))).reason).toBe(reason);
      }
    }
    expect(await usersOf('external-id')).toEqual([]);
    for (const call of [
      () => resolveOwned(references, thief),
      () => resolveOwned(references, owner, 'runner-gateway'),
      () => send(references, { by: thief, phase: COMMIT }),
    ]) {
      expect(['missing', 'state']).toContain((await refusalOf(call())).kind);
    }
    await send(references);
    for (const [sending] of attempts) await refusalOf(send(references, { ...sending, revision: 2 }));
    expect(await usersOf('external-id')).toEqual([owner.slug]);
  });

  test('who may not use secrets does not learn which exist, and whose they are', async () => {
    const told = async (slug: string) => {
      const refused = await refusalOf(send([secret(slug)], { by: thief, actor: developer() }));
      return JSON.stringify([
        refused.kind,
        refused.reason,
        refused.message,
        refused.hint,
        refused.metadata,
      ]).replaceAll(slug, 'SLUG');
    };
    const unknown = await told('unknown');
    expect(unknown).toContain('SECRET_USE_DENIED');
    expect([await told('external-id'), await told('of-people')]).toEqual([unknown, unknown]);
  });

  test('a slug that was freed and taken by people is theirs: nobody registers it without being asked', async () => {
    await send([secret('external-id')]);
    await calls.retire(uid);
    await people.setSecret({ org: org.slug, slug: 'external-id', entries: { value: 'of people' } });
    expect(await refusalOf(send([secret('external-id')], { revision: 2 }))).toMatchObject({
      reason: 'ACTOR_MISSING',
    });
    expect(await refusalOf(send([secret('external-id')], { revision: 2, actor: developer() }))).toMatchObject(
      { reason: 'SECRET_USE_DENIED' },
    );
    expect(await refusalOf(resolveOwned([secret('external-id')]))).toMatchObject({
      kind: 'missing',
      message: 'secret "external-id" was deleted',
    });
    expect(await usersOf('external-id')).toEqual([]);
  });

  test('of registering and of the slug changing hands at once, only its own is ever registered', async () => {
    for (let round = 0; round < 10; round++) {
      const slug = `race-${round}`;
      const by = newOwner(`owner-${round}`);
      const racing = await callOwnedSecrets(config, org, by);
      const minted = crypto.randomUUID();
      await racing.mint(minted, slug);
      const [registered] = await Promise.allSettled([
        send([secret(slug)], { by }),
        racing
          .retire(minted)
          .then(() => people.setSecret({ org: org.slug, slug, entries: { value: 'of people' } })),
      ]);
      if (registered.status === 'rejected') {
        expect(await refusalOf(Promise.reject(registered.reason))).toMatchObject({ reason: 'ACTOR_MISSING' });
      }
      const rows = await config.database.query
        .selectFrom('reference')
        .select('target_uid')
        .where('owner_uid', '=', by.uid)
        .execute();
      expect(rows).toEqual(registered.status === 'fulfilled' ? [{ target_uid: minted }] : []);
      expect(await refusalOf(resolveOwned([secret(slug)], by))).toMatchObject({ kind: 'missing' });
    }
  });

  test('references to a retired one resolve to nothing, and go with their owner', async () => {
    await send([secret('external-id'), variable('region')], { actor: admin() });
    const inName = async (references: Reference[]) =>
      (await config.asService(SERVICE, admin())).resolveReferences({
        org: org.slug,
        references,
        ownerUid: owner.uid,
      });
    expect((await inName([secret('external-id')])).values).toMatchObject([{ value }]);
    await calls.retire(uid);
    for (const call of [
      () => inName([secret('external-id')]),
      () => resolveOwned([secret('external-id')]),
      () => people.resolveReferences({ org: org.slug, references: [secret('external-id')] }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'missing', reason: 'REFERENCES_NOT_FOUND' });
    }
    expect((await inName([variable('region')])).values).toMatchObject([{ value: 'us-west-2' }]);
    expect(await refusalOf(send([secret('external-id')], { revision: 2 }))).toMatchObject({
      reason: 'ACTOR_MISSING',
    });
    await send([], { phase: COMMIT, revision: 2 });
    await people.deleteVariable({ org: org.slug, slug: 'region' });
  });

  test('people who may read values may resolve it by name, and no one else', async () => {
    const references = [secret('external-id')];
    expect((await people.resolveReferences({ org: org.slug, references })).values).toMatchObject([{ value }]);
    const viewer = await config.as({ org, role: 'viewer' });
    expect(await refusalOf(viewer.resolveReferences({ org: org.slug, references }))).toMatchObject({
      kind: 'denied',
    });
  });
});
