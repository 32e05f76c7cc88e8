import { AwsTrustSetupState, AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { useSetups } from '../testing/use-setups.ts';
import { awsConnection, refusalOf, type TestOrganization } from '../testing/use-test-service.ts';
import { keepTrustSetups } from './keep-trust-setups.ts';
import { defaultSetupPace } from './pace.ts';

const { PENDING, VERIFYING, COMPLETED, FAILED } = AwsTrustSetupState;

describe.each(engines)('carrying set-ups on, on %s', (kind) => {
  const trust = useSetups(kind);
  const { service, initiate, createStack, callBack, advance, age, read } = trust;
  const isConnected = ({ admin, slug: org }: TestOrganization) =>
    admin.getConnection({ org, connection: 'prod-aws' }).then(
      () => true,
      () => false,
    );

  test('a role that lets in others is tried again, and fails once that was no old policy', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun);
    const role = trust.aws().roles.get(begun.setup?.roleArn ?? '');
    trust.aws().roles.set(begun.setup?.roleArn ?? '', { ...role, externalId: undefined });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: VERIFYING,
      wait: AwsTrustSetupWait.PROPAGATION,
      causes: [{ code: 'EXTERNAL_ID_NOT_ENFORCED' }],
    });
    await age(organization, defaultSetupPace.insecureAfter);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: FAILED,
      message: expect.stringContaining('insecure'),
      causes: [{ code: 'EXTERNAL_ID_NOT_ENFORCED' }],
    });
    expect(await isConnected(organization)).toBe(false);
  });

  test('a role whose old policy was still known for a while is completed', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun);
    const { roles } = trust.aws();
    const role = roles.get(begun.setup?.roleArn ?? '');
    roles.set(begun.setup?.roleArn ?? '', { ...role, externalId: undefined });
    await advance(organization);
    createStack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
  });

  test('nothing is concluded while AWS throttles, the runner is away or the gateway does not answer', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun);
    for (const fault of ['throttled', 'offline', 'broken'] as const) {
      trust.aws().fault = fault;
      await advance(organization);
      expect(await read(organization, begun.setup?.uid)).toMatchObject({
        state: PENDING,
        wait: AwsTrustSetupWait.PLATFORM,
        message: expect.stringMatching(/./),
      });
    }
    trust.aws().fault = undefined;
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
  });

  test('a stack that is rolled back after its role worked completes nothing', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    const stack = createStack(begun, 'CREATE_IN_PROGRESS');
    await callBack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: VERIFYING,
      wait: AwsTrustSetupWait.STACK,
    });
    stack.status = 'ROLLBACK_IN_PROGRESS';
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: FAILED,
      causes: [{ code: 'STACK_FAILED' }],
    });
    expect(await isConnected(organization)).toBe(false);
  });

  test('a role that is gone with its stack ends the set-up, and says so', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun, 'CREATE_IN_PROGRESS');
    await advance(organization);
    trust.aws().roles.clear();
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: VERIFYING });
    await age(organization, defaultSetupPace.goneAfter);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: FAILED,
      causes: [{ code: 'ROLE_GONE' }, {}],
    });
  });

  test('a role that was announced and never lets the platform in has failed, with what AWS said', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    await callBack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: VERIFYING,
      wait: AwsTrustSetupWait.PROPAGATION,
    });
    await age(organization, defaultSetupPace.refusedFor);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: FAILED,
      message: expect.stringContaining('AccessDenied'),
      causes: [{ code: 'TRUST_POLICY' }],
    });
  });

  test('a name that somebody else took meanwhile is not touched', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    const begun = await initiate(organization);
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    createStack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: FAILED,
      message: expect.stringContaining('somebody else has made'),
    });
    const { connection } = await admin.getConnection({ org, connection: 'prod-aws' });
    expect(connection?.kind.value?.metadata?.uid).not.toBe(begun.setup?.connectionUid);
  });

  test('a change of the connection at the same moment is waited for', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    const begun = await initiate(organization, { reconnect: true });
    createStack(begun);
    const { config } = service();
    let meddled = 0;
    config.beforeRegister = async () => {
      if (meddled++ > 0) return;
      await admin.applyConnection({
        org,
        connection: awsConnection({ name: 'prod-aws', labels: { a: 'b' } }),
      });
    };
    try {
      await advance(organization);
      expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: VERIFYING });
    } finally {
      config.beforeRegister = async () => {};
    }
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
    const { connection } = await admin.getConnection({ org, connection: 'prod-aws' });
    expect(connection?.kind.value?.metadata).toMatchObject({ revision: 3, labels: { a: 'b' } });
  });

  test.each(['register', 'commit'] as const)(
    'a call of config-manager that is lost (%s) is made up for',
    async (method) => {
      const organization = await service().newOrganization();
      const begun = await initiate(organization);
      createStack(begun);
      const { config } = service();
      for (const fault of ['before', 'after'] as const) {
        config.fault = (called) => (called === method ? fault : undefined);
        await advance(organization).catch(() => {});
      }
      config.fault = () => undefined;
      await advance(organization);
      expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
      expect(await isConnected(organization)).toBe(true);
    },
  );

  test('replicas that carry the same set-up on complete it once', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun);
    await Promise.all([advance(organization), advance(organization), advance(organization)]);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
    const records = await trust.auditOf(organization);
    expect(records.filter(({ action }) => action === 'trust_setup.complete')).toHaveLength(1);
    expect(records.filter(({ action }) => action === 'connection.create')).toHaveLength(1);
  });

  test('the loop carries a set-up from the callback to its end, and another replica takes over where one died', async () => {
    const organization = await service().newOrganization();
    const { deps } = service();
    const pace = { ...defaultSetupPace, heard: { first: 0.05, longest: 0.1 }, lease: 6, pollMs: 20 };
    const begun = await initiate(organization);
    createStack(begun);
    let died = false;
    trust.aws().before = async () => {
      if (died) return;
      died = true;
      dying.stop().catch(() => {});
    };
    const dying = keepTrustSetups({ ...deps, setupPace: pace });
    await callBack(begun);
    dying.start();
    await expect.poll(() => died, { timeout: 20_000 }).toBe(true);
    const other = keepTrustSetups({ ...deps, setupPace: pace });
    other.start();
    try {
      await expect
        .poll(async () => (await read(organization, begun.setup?.uid))?.state, {
          timeout: 25_000,
          interval: 200,
        })
        .toBe(COMPLETED);
    } finally {
      await other.stop();
    }
  });

  test('a wrong name finds no set-up, and an unnamed one is asked for', async () => {
    const { admin, slug: org } = await service().newOrganization();
    expect(await refusalOf(admin.getAwsTrustSetup({ org }))).toMatchObject({ reason: 'SETUP_NOT_NAMED' });
    const unknown = admin.getAwsTrustSetup({ org, connection: 'nothing' });
    expect(await refusalOf(unknown)).toMatchObject({ kind: 'missing', reason: 'TRUST_SETUP_NOT_FOUND' });
  });
});
