import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { RegistrationPhase } from '@planton/api/common/v1/reference';
import { engines } from '@planton/database/testing';
import type { RoleName } from '@planton/rpc';
import { beforeEach, describe, expect, test } from 'vitest';
import { refusalOf, type TestOrganization, useTestRunners } from '../runners/testing/use-test-runners.ts';

const { REGISTER, COMMIT } = RegistrationPhase;

describe.each(engines)('SetRunnerReferences on %s', (kind) => {
  const runners = useTestRunners(kind);
  let organization: TestOrganization;
  let owner: { kind: string; uid: string; slug: string };
  beforeEach(async () => {
    organization = await runners().newOrganization();
    owner = { kind: 'AwsProviderConnection', uid: crypto.randomUUID(), slug: 'my-aws-connection' };
  });

  interface Sending {
    readonly service?: string;
    readonly role?: RoleName | 'nobody';
    readonly environments?: readonly string[];
    readonly by?: typeof owner;
    readonly validateOnly?: boolean;
  }
  const send = async (
    phase: RegistrationPhase,
    revision: number,
    names: readonly string[],
    {
      service = 'connection-service',
      role = 'developer',
      environments,
      by = owner,
      validateOnly,
    }: Sending = {},
  ) => {
    const { uid, slug } = organization;
    const actor =
      role === 'nobody'
        ? undefined
        : { org: { uid, slug }, role, name: 'grace', ...(environments ? { environments } : {}) };
    const client = await runners().asService(service, actor);
    const { runnerUids } = await client.setRunnerReferences({
      org: slug,
      organizationUid: uid,
      owner: by,
      revision,
      runners: [...names],
      phase,
      validateOnly: validateOnly ?? false,
    });
    return runnerUids;
  };
  const usersOf = async (runner: string) => {
    const { usages } = await organization.admin.listRunnerUsages({ org: organization.slug, runner });
    return usages.map((usage) => `${usage.owner?.slug} ${usage.confirmed ? 'confirmed' : 'registered'}`);
  };
  const deletionOf = (runner: string) => organization.admin.deleteRunner({ org: organization.slug, runner });
  const unconfirmed = async (service = 'connection-service', before = new Date(Date.now() + 60_000)) => {
    const client = await runners().asService(service);
    const { owners } = await client.listUnconfirmedRunnerOwners({ before: timestampFromDate(before) });
    return owners.filter(({ organizationUid }) => organizationUid === organization.uid);
  };

  test('what is in use cannot be deleted, and its users are named', async () => {
    const [a, b] = [await organization.register('a'), await organization.register('b')];
    expect(await send(REGISTER, 1, ['b', 'a', 'b'])).toEqual([b, a, b]);
    expect(await usersOf('a')).toEqual(['my-aws-connection registered']);
    expect(await send(COMMIT, 1, [a], { role: 'nobody' })).toEqual([]);
    expect(await usersOf('a')).toEqual(['my-aws-connection confirmed']);
    await deletionOf('b');

    expect(await refusalOf(deletionOf('a'))).toMatchObject({
      kind: 'state',
      reason: 'RUNNER_IN_USE',
      message: 'runner "a" is in use by AwsProviderConnection my-aws-connection',
      metadata: { users: 'AwsProviderConnection my-aws-connection', count: '1' },
    });
    await send(COMMIT, 2, [], { role: 'nobody' });
    await deletionOf('a');
  });

  test('the first ten users are named, and how many there are', async () => {
    await organization.register('a');
    await Promise.all(
      Array.from({ length: 13 }, (_, i) =>
        send(REGISTER, 1, ['a'], {
          by: { ...owner, uid: crypto.randomUUID(), slug: `c${String(i).padStart(2, '0')}` },
        }),
      ),
    );
    const refusal = await refusalOf(deletionOf('a'));
    expect(refusal.message).toBe(
      `runner "a" is in use by ${Array.from({ length: 10 }, (_, i) => `AwsProviderConnection c0${i}`).join(', ')} and 3 more`,
    );
    expect(refusal.metadata.count).toBe('13');
    expect(await usersOf('a')).toHaveLength(13);
  });

  test('all that is missing is named in one error, with the next command', async () => {
    const other = await runners().newOrganization();
    await other.register('foreign');
    await organization.register('a');
    const refusal = await refusalOf(send(REGISTER, 1, ['x', 'a', 'foreign', 'x']));
    const message = (slug: string) =>
      `runner "${slug}" does not exist in organisation "${organization.slug}"`;
    expect(refusal).toMatchObject({
      kind: 'missing',
      reason: 'RUNNERS_NOT_FOUND',
      message: `${message('x')}; ${message('foreign')}`,
      hint: 'planton runner register --name x',
      violations: [
        { field: 'runners[0]', message: message('x') },
        { field: 'runners[2]', message: message('foreign') },
        { field: 'runners[3]', message: message('x') },
      ],
    });
    expect(await usersOf('a')).toEqual([]);
    expect(await unconfirmed()).toEqual([]);
  });

  test('validating registers nothing, not even the owner', async () => {
    const uid = await organization.register('a');
    expect(await send(REGISTER, 1, ['a'], { validateOnly: true })).toEqual([uid]);
    expect((await refusalOf(send(REGISTER, 1, ['x'], { validateOnly: true }))).reason).toBe(
      'RUNNERS_NOT_FOUND',
    );
    expect(await usersOf('a')).toEqual([]);
    expect(await unconfirmed()).toEqual([]);
    await deletionOf('a');
  });

  test('a runner that was revoked stays where it is used, and is used nowhere else', async () => {
    const a = await organization.register('a');
    await send(REGISTER, 1, ['a']);
    await send(COMMIT, 1, [a]);
    await organization.admin.revokeRunner({ org: organization.slug, runner: 'a' });
    await send(REGISTER, 2, ['a']);
    await send(COMMIT, 2, [a]);
    const by = { ...owner, uid: crypto.randomUUID(), slug: 'another' };
    expect(await refusalOf(send(REGISTER, 1, ['a'], { by }))).toMatchObject({
      kind: 'state',
      reason: 'RUNNER_REVOKED',
      metadata: { runner: 'a' },
    });
    expect((await refusalOf(send(REGISTER, 1, ['a'], { by, validateOnly: true }))).reason).toBe(
      'RUNNER_REVOKED',
    );
    expect(await usersOf('a')).toEqual(['my-aws-connection confirmed']);
  });

  test('who may write connections may name a runner in one, and nobody else', async () => {
    await organization.register('a');
    for (const role of ['viewer', 'deployer'] as const) {
      expect(await refusalOf(send(REGISTER, 1, ['a'], { role }))).toMatchObject({
        kind: 'denied',
        reason: 'PERMISSION_DENIED',
      });
    }
    await send(REGISTER, 1, ['a'], { role: 'developer' });
  });

  test('letting a connection use a runner is on record once', async () => {
    await organization.register('a');
    await send(REGISTER, 1, ['a']);
    await send(REGISTER, 1, ['a', 'a']);
    const { records } = await organization.admin.listAuditRecords({
      org: organization.slug,
      action: 'runner.use',
    });
    expect(records).toMatchObject([
      {
        actorName: 'grace',
        resourceSlug: 'a',
        viaService: 'connection-service',
        details: { owner_slug: 'my-aws-connection', owner_kind: 'AwsProviderConnection' },
      },
    ]);
  });

  test('people cannot send it, and no one can without an actor', async () => {
    await organization.register('a');
    const request = {
      org: organization.slug,
      organizationUid: organization.uid,
      owner,
      revision: 1,
      runners: [],
      phase: REGISTER,
    };
    expect(await refusalOf(organization.admin.setRunnerReferences(request))).toMatchObject({
      kind: 'denied',
      reason: 'SERVICE_ONLY',
    });
    expect(await refusalOf(send(REGISTER, 1, ['a'], { role: 'nobody' }))).toMatchObject({
      kind: 'denied',
      reason: 'ACTOR_MISSING',
    });
    const other = await runners().newOrganization();
    const { uid, slug } = organization;
    const service = await runners().asService('connection-service', { org: { uid, slug }, role: 'admin' });
    const mixed = service.setRunnerReferences({ ...request, organizationUid: other.uid });
    expect(await refusalOf(mixed)).toMatchObject({ kind: 'denied', reason: 'ORGANIZATION_MISMATCH' });
  });

  test('an owner is of one service and one organisation', async () => {
    const uid = await organization.register('a');
    await send(REGISTER, 1, ['a']);
    for (const call of [
      () => send(REGISTER, 2, [], { service: 'config-manager' }),
      () => send(COMMIT, 2, [], { service: 'config-manager', role: 'nobody' }),
    ]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'denied', reason: 'OWNER_MISMATCH' });
    }
    const mine = organization;
    organization = await runners().newOrganization();
    expect((await refusalOf(send(COMMIT, 2, [uid], { role: 'nobody' }))).reason).toBe('OWNER_MISMATCH');
    organization = mine;
    expect(await usersOf('a')).toEqual(['my-aws-connection registered']);
  });

  test('registering adds, committing leaves exactly what was committed', async () => {
    const [a, b, c] = [
      await organization.register('a'),
      await organization.register('b'),
      await organization.register('c'),
    ];
    await send(REGISTER, 1, ['a', 'b']);
    await send(COMMIT, 1, [a, b]);
    await send(REGISTER, 2, ['b', 'c']);
    for (const runner of ['a', 'b', 'c'])
      expect((await refusalOf(deletionOf(runner))).reason).toBe('RUNNER_IN_USE');
    await send(COMMIT, 2, [b, c]);
    await send(COMMIT, 2, [c, b]);
    expect(await usersOf('a')).toEqual([]);
    expect(await usersOf('b')).toEqual(['my-aws-connection confirmed']);
    expect(await usersOf('c')).toEqual(['my-aws-connection confirmed']);
    await deletionOf('a');
  });

  test('a crash after registering leaves a superset, listed until it is confirmed', async () => {
    const a = await organization.register('a');
    await organization.register('b');
    await send(REGISTER, 1, ['a']);
    expect(await unconfirmed()).toMatchObject([{ owner, revision: 1 }]);
    expect(await unconfirmed('config-manager')).toEqual([]);
    expect(await unconfirmed('connection-service', new Date(Date.now() - 60_000))).toEqual([]);
    await send(COMMIT, 1, [a]);
    expect(await unconfirmed()).toEqual([]);
    await send(REGISTER, 2, ['b']);
    expect(await unconfirmed()).toMatchObject([{ revision: 2 }]);
    expect((await refusalOf(deletionOf('b'))).reason).toBe('RUNNER_IN_USE');
    await send(COMMIT, 2, [a], { role: 'nobody' });
    expect(await usersOf('a')).toEqual(['my-aws-connection confirmed']);
    expect(await unconfirmed()).toEqual([]);
    await deletionOf('b');
  });

  test('a registration under a revision that was given up is open again', async () => {
    const [, b] = [await organization.register('a'), await organization.register('b')];
    await send(REGISTER, 1, ['a']);
    await send(COMMIT, 1, [], { role: 'nobody' });
    await send(REGISTER, 1, ['b']);
    expect(await unconfirmed()).toMatchObject([{ revision: 1 }]);
    await send(COMMIT, 1, [b]);
    expect(await usersOf('b')).toEqual(['my-aws-connection confirmed']);
  });

  test('what is older than the latest revision is refused, also after the owner is gone', async () => {
    const a = await organization.register('a');
    await send(REGISTER, 3, ['a']);
    expect(await refusalOf(send(REGISTER, 2, ['a']))).toMatchObject({
      kind: 'stale',
      reason: 'REFERENCE_REVISION_STALE',
      metadata: { revision: '3' },
    });
    expect((await refusalOf(send(COMMIT, 2, [a]))).reason).toBe('REFERENCE_REVISION_STALE');
    await send(COMMIT, 4, []);
    expect((await refusalOf(send(COMMIT, 3, [a]))).reason).toBe('REFERENCE_REVISION_STALE');
    expect(await usersOf('a')).toEqual([]);
  });

  test('committing never adds', async () => {
    const [a, b] = [await organization.register('a'), await organization.register('b')];
    await send(REGISTER, 1, ['a']);
    for (const unknown of [b, 'a', 'platform-runner']) {
      expect(await refusalOf(send(COMMIT, 1, [a, unknown]))).toMatchObject({
        kind: 'state',
        reason: 'REFERENCES_NOT_REGISTERED',
      });
    }
    expect(await usersOf('b')).toEqual([]);
  });

  test('of deleting and registering at once, one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const slug = `race-${round}`;
      const by = { ...owner, uid: crypto.randomUUID(), slug: `owner-${round}` };
      await organization.register(slug);
      const [deleted, registered] = await Promise.allSettled([
        deletionOf(slug),
        send(REGISTER, 1, [slug], { by }),
      ]);
      expect([deleted.status, registered.status].toSorted()).toEqual(['fulfilled', 'rejected']);
      const reason = async (settled: PromiseSettledResult<unknown>) =>
        settled.status === 'rejected' ? (await refusalOf(Promise.reject(settled.reason))).reason : 'none';
      if (deleted.status === 'rejected') expect(await reason(deleted)).toBe('RUNNER_IN_USE');
      else expect(await reason(registered)).toBe('RUNNERS_NOT_FOUND');
    }
  });

  test('owners that register at once in different orders all count', async () => {
    await organization.register('a');
    await organization.register('b');
    await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        send(REGISTER, 1, i % 2 === 0 ? ['a', 'b'] : ['b', 'a'], {
          by: { ...owner, uid: crypto.randomUUID(), slug: `o${i}` },
        }),
      ),
    );
    expect(await usersOf('a')).toHaveLength(8);
    expect(await usersOf('b')).toHaveLength(8);
  });

  test('a slug that was made again has no users', async () => {
    await organization.register('a');
    await send(REGISTER, 1, ['a']);
    await send(COMMIT, 2, []);
    await deletionOf('a');
    await organization.register('a');
    expect(await usersOf('a')).toEqual([]);
  });
});
