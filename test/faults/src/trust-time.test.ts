import { Code } from '@connectrpc/connect';
import { AwsTrustSetupState, AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { createPlanton } from '@planton/client';
import { type PostgresServer, startPostgres } from '@planton/database/testing';
import {
  connectAccount,
  inAws,
  type NetworkProxy,
  type Platform,
  startPlatform,
  startProxy,
} from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { passTime, type TimePasser } from './pass-time.ts';
import { refusalOf } from './refusal.ts';
import { ACCOUNT, type Begun, startTrustRig, type TrustRig } from './start-trust-rig.ts';
import { waitUntil } from './wait-until.ts';

// What takes minutes or a day, on PostgreSQL, where time can be made to pass; then the database is lost, and a replica is killed.

const { COMPLETED, EXPIRED, FAILED, VERIFYING } = AwsTrustSetupState;
const ROLES = { service: 'sts', action: 'AssumeRole' };
const MASTER_KEY = Buffer.alloc(32, 7).toString('base64');

let postgres: PostgresServer;
let network: NetworkProxy;
let time: TimePasser;
let rig: TrustRig;
let replica: Platform | undefined;

beforeAll(async () => {
  postgres = await startPostgres();
  network = await startProxy([new URL(postgres.url).host]);
  const databaseUrl = throughProxy();
  rig = await startTrustRig({ databaseUrl, masterKey: MASTER_KEY });
  time = passTime(postgres.url);
}, 120_000);
afterAll(async () => {
  await replica?.stop();
  await time?.close();
  await rig?.stop();
  await network?.stop();
  await postgres?.stop();
});

function throughProxy(): string {
  const url = new URL(postgres.url);
  url.host = network.address;
  return url.href;
}
const pass = (begun: Begun, seconds: number) => time.forSetup(begun.setup.uid, seconds);
/** A role that somebody made without the stack. */
const selfMade = async (name: string, change: (policy: string) => string) => {
  const begun = await rig.begin(name, { withoutStack: true });
  const trustPolicy = JSON.parse(change(begun.trustPolicy));
  rig.aws.putRole(ACCOUNT, { name: begun.setup.roleName, trustPolicy });
  await pass(begun, 30);
  return begun;
};
const withoutExternalId = (policy: string) => policy.replace(/"StringEquals":\{[^}]*\},?/, '');
const verify = async (name: string) => {
  const { code, stdout } = await rig.platform.cli(['connection', 'verify', name]);
  return { code, stdout };
};

describe('time passes', () => {
  test('a set-up expires after a day, and its callback is refused from then on', async () => {
    const begun = await rig.begin('expired');
    await pass(begun, 25 * 3_600);
    expect(await rig.wait(begun)).toMatchObject({
      state: EXPIRED,
      message: expect.stringMatching(/nothing/),
    });
    const { stackId } = await rig.aws.quickCreate(begun.link);
    expect((await rig.aws.waitForStack(stackId)).status).toBe('CREATE_COMPLETE');
    await rig.aws.waitForInvocations();
    expect(await rig.callBack(rig.callbackOf(stackId))).toEqual({
      status: 403,
      text: '{"status":"refused"}',
    });
    expect((await rig.look(begun)).state).toBe(EXPIRED);
    const [refused] = await rig.audit('trust_setup.callback', 'expired');
    expect(refused?.details.reason).toBe('SETUP_ENDED');
    expect(await rig.audit('trust_setup.expire', 'expired')).toHaveLength(1);
    expect(await rig.connections()).not.toContain('expired');
  }, 60_000);

  test('a role that was announced and goes on refusing the platform fails, with what may be wrong', async () => {
    const begun = await rig.begin('refused');
    const PlatformPrincipalArn = 'arn:aws:iam::111122223333:role/another';
    await rig.aws.quickCreate(begun.link, { parameters: { PlatformPrincipalArn } });
    await rig.wait(begun, ({ state, attempts }) => state === VERIFYING && attempts > 0);
    await pass(begun, 660);
    const failed = await rig.wait(begun);
    expect(failed).toMatchObject({ state: FAILED, message: expect.stringMatching(/AWS refuses it/) });
    expect(failed.causes.length).toBeGreaterThan(0);
    for (const { message, hint } of failed.causes) expect(`${message}${hint}`.length).toBeGreaterThan(20);
    expect(await rig.connections()).not.toContain('refused');
  }, 60_000);

  test('a role that does not ask for the external ID is insecure: never completed', async () => {
    const begun = await selfMade('careless', withoutExternalId);
    const seen = await rig.wait(begun, ({ causes }) => causes.length > 0);
    expect(seen.state).toBe(VERIFYING);
    expect(seen.causes[0]?.code).toBe('EXTERNAL_ID_NOT_ENFORCED');
    await pass(begun, 100);
    const failed = await rig.wait(begun);
    expect(failed).toMatchObject({ state: FAILED, message: expect.stringMatching(/^the role is insecure/) });
    expect(failed.causes[0]?.hint).toMatch(/sts:ExternalId/);
    expect(await rig.connections()).not.toContain('careless');
    const refused = await refusalOf(
      rig.owner.connections.issueCredentials({ org: 'acme', connection: 'careless' }),
    );
    expect(refused.code).toBe(Code.NotFound);
  }, 60_000);

  test('a connection whose trust policy is loosened is insecure once that has lasted, and verified once it is mended', async () => {
    const begun = await selfMade('loosened', (policy) => policy);
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
    expect(await verify('loosened')).toMatchObject({ code: 0 });
    rig.aws.setTrustPolicy(begun.setup.roleArn, JSON.parse(withoutExternalId(begun.trustPolicy)));
    const { connectionUid } = begun.setup;
    // Who is kept out is tried once a day.
    await time.forProtection(connectionUid, 25 * 3_600);
    expect(await verify('loosened')).toEqual({ code: 7, stdout: expect.stringMatching(/a minute/) });
    await time.forProtection(connectionUid, 61);
    const insecure = await verify('loosened');
    expect(insecure.code).toBe(6);
    expect(insecure.stdout).toMatch(/open to the confused deputy/);
    expect(insecure.stdout).toMatch(/without the external ID/);
    expect(await rig.platform.planton('get', 'aws', 'loosened')).toContain('outcome: insecure');
    rig.aws.setTrustPolicy(begun.setup.roleArn, JSON.parse(begun.trustPolicy));
    expect(await verify('loosened')).toEqual({ code: 0, stdout: expect.stringMatching(/kept out others/) });
  }, 60_000);

  test('a stack that is rolled back after its role worked fails the set-up, and says where to look', async () => {
    const begun = await rig.begin('rolled-back');
    const release = Promise.withResolvers<void>();
    rig.aws.failNextStack({ after: 'Role', until: release.promise });
    const { stackId } = await rig.aws.quickCreate(begun.link);
    await waitUntil('the role', () =>
      rig.aws
        .stack(stackId)
        ?.resources.some(({ logicalId, status }) => logicalId === 'Role' && status === 'CREATE_COMPLETE'),
    );
    await pass(begun, 60);
    const working = await rig.wait(begun, ({ wait }) => wait === AwsTrustSetupWait.STACK);
    expect(working.state).toBe(VERIFYING);
    release.resolve();
    expect((await rig.aws.waitForStack(stackId)).status).toBe('ROLLBACK_COMPLETE');
    await pass(begun, 15);
    const gone = await rig.wait(begun, ({ wait, endTime }) => wait !== AwsTrustSetupWait.STACK || !!endTime);
    expect([VERIFYING, FAILED]).toContain(gone.state);
    await pass(begun, 130);
    const failed = await rig.wait(begun);
    expect(failed).toMatchObject({
      state: FAILED,
      causes: [{ code: 'ROLE_GONE' }, ...failed.causes.slice(1)],
    });
    expect(failed.causes[0]?.hint).toMatch(/events of the stack/);
    expect(await rig.connections()).not.toContain('rolled-back');
  }, 90_000);
});

describe('the database is lost', () => {
  const lose = () => {
    network.route([]);
    network.cut();
  };
  const find = () => network.route([new URL(postgres.url).host]);

  test('when the stack calls back: the stack is complete, and so is the set-up once the database is back', async () => {
    const begun = await rig.begin('unheard');
    lose();
    const { stackId } = await rig.aws.quickCreate(begun.link);
    expect((await rig.aws.waitForStack(stackId)).status).toBe('CREATE_COMPLETE');
    const [sent] = (await rig.aws.waitForInvocations()).filter(({ event }) => event.StackId === stackId);
    expect(sent?.log).toMatch(/not heard: 503/);
    find();
    await waitUntil('the database', () =>
      pass(begun, 60)
        .then(() => rig.look(begun))
        .catch(() => undefined),
    );
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
    expect(await rig.connections()).toContain('unheard');
  }, 90_000);

  test('between callback and completion: the command that watches goes on and ends with 0, and it is completed once', async () => {
    const args = ['--name', 'interrupted', '--account-id', ACCOUNT, '--no-browser'];
    const connecting = connectAccount(rig.platform, args);
    rig.aws.fail('throttling', Number.POSITIVE_INFINITY, ROLES);
    await rig.aws.quickCreate(await connecting.link);
    await waitUntil('the callback', async () => (await rig.audit('trust_setup.callback', 'interrupted'))[0]);
    lose();
    const logged = rig.platform.log().length;
    await waitUntil('the loss', () =>
      rig.platform.log().slice(logged).includes('looking for set-ups that are due failed'),
    );
    rig.aws.heal();
    find();
    const { code, stdout, stderr } = await connecting.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('error:') });
    expect(stdout).toMatch(/set-up +completed/);
    expect(await rig.audit('trust_setup.complete', 'interrupted')).toHaveLength(1);
    expect(await rig.audit('connection.create', 'interrupted')).toHaveLength(1);
  }, 120_000);
});

test('a replica that heard the callback is killed: the other one completes the set-up, once', async () => {
  const shared = { databaseUrl: throughProxy(), masterKey: MASTER_KEY };
  replica = await startPlatform({ ...shared, env: inAws(rig.aws)(rig.platform.url) });
  const { connections } = createPlanton({ server: replica.url, apiKey: rig.platform.ownerKey() });
  rig.aws.fail('throttling', Number.POSITIVE_INFINITY, ROLES);
  const begun = await rig.begin('orphan');
  const { stackId } = await rig.aws.quickCreate(begun.link);
  await rig.aws.waitForStack(stackId);
  await waitUntil('the callback', async () => (await rig.audit('trust_setup.callback', 'orphan'))[0]);
  await rig.platform.end('SIGKILL');
  rig.aws.heal();
  // The replica may have died with the set-up in its hands, which is free once its lease is over.
  await pass(begun, 80);
  const named = { org: 'acme', setupUid: begun.setup.uid };
  const ended = await waitUntil('the set-up', async () => {
    const { setup } = await connections.getAwsTrustSetup(named);
    return setup?.endTime && setup;
  });
  expect(ended.state).toBe(COMPLETED);
  await rig.platform.start();
  expect(await rig.connections()).toContain('orphan');
  expect(await rig.audit('trust_setup.complete', 'orphan')).toHaveLength(1);
  expect(await rig.audit('connection.create', 'orphan')).toHaveLength(1);
  expect(
    (await rig.owner.connections.issueCredentials({ org: 'acme', connection: 'orphan' })).credentials.case,
  ).toBe('aws');
}, 120_000);
