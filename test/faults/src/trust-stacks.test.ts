import { Code } from '@connectrpc/connect';
import { AwsTrustSetupState, AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton } from '@planton/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectRefusal, refusalOf } from './refusal.ts';
import { ACCOUNT, type Begun, REGION, startTrustRig, type TrustRig } from './start-trust-rig.ts';
import { waitUntil } from './wait-until.ts';

// What goes wrong in AWS: with the stack and its function, with the role, and with STS. Whatever it is, the set-up ends in what is true.

const { COMPLETED, FAILED, VERIFYING } = AwsTrustSetupState;
const ROLES = { service: 'sts', action: 'AssumeRole' };

let rig: TrustRig;
/** A set-up whose stack cannot call back: the platform finds its role in its own time. */
let cutOff: Begun;

beforeAll(async () => {
  rig = await startTrustRig();
  rig.aws.blockCallbacks();
  cutOff = await rig.begin('cut-off', { region: 'eu-west-1' });
  const { stackId } = await rig.aws.quickCreate(cutOff.link);
  expect((await rig.aws.waitForStack(stackId)).status).toBe('CREATE_COMPLETE');
  rig.aws.heal();
}, 120_000);
afterEach(() => rig?.aws.heal());
afterAll(() => rig?.stop());

const verify = (name: string) => rig.platform.cli(['connection', 'verify', name]);
const issue = (connection: string) => rig.owner.connections.issueCredentials({ org: 'acme', connection });

describe('the function', () => {
  test('that is run five times is heard each time, and the set-up is completed once', async () => {
    rig.aws.repeatLambda(5);
    const { stack } = await rig.connect('five-times');
    const runs = (await rig.aws.waitForInvocations()).filter(({ event }) => event.StackId === stack.stackId);
    expect(runs.map(({ log }) => log.trim())).toEqual(Array(5).fill('Callback heard'));
    for (const action of ['trust_setup.callback', 'trust_setup.complete'])
      expect(await rig.audit(action, 'five-times')).toHaveLength(1);
    expect(await rig.audit('connection.create', 'five-times')).toHaveLength(1);
  }, 60_000);

  test('that nobody answers fails neither the stack nor the set-up', async () => {
    expect(await rig.wait(cutOff)).toMatchObject({ state: COMPLETED });
    const callbacks = await rig.audit('trust_setup.callback', 'cut-off');
    expect(callbacks).toEqual([]);
    expect((await issue('cut-off')).credentials.value?.sessionToken).not.toBe('');
  }, 90_000);
});

describe('the stack', () => {
  test('that is not complete yet is waited for, and one that is rolled back in the end connects nothing', async () => {
    const begun = await rig.begin('too-early');
    const release = Promise.withResolvers<void>();
    rig.aws.failNextStack({ after: 'Callback', until: release.promise });
    const { stackId } = await rig.aws.quickCreate(begun.link);
    const waiting = await rig.wait(begun, ({ wait }) => wait === AwsTrustSetupWait.STACK);
    expect(waiting).toMatchObject({
      state: VERIFYING,
      message: expect.stringContaining('CREATE_IN_PROGRESS'),
    });
    expect(await rig.connections()).not.toContain('too-early');
    release.resolve();
    expect((await rig.aws.waitForStack(stackId)).status).toBe('ROLLBACK_COMPLETE');
    const { attempts } = await rig.look(begun);
    const gone = await rig.wait(
      begun,
      (setup) => setup.attempts > attempts + 1 || setup.endTime !== undefined,
    );
    expect([VERIFYING, FAILED]).toContain(gone.state);
    expect(`${gone.message} ${gone.causes.map(({ message }) => message)}`).toMatch(
      /no longer|not at the moment|rolled back/i,
    );
    expect(await rig.connections()).not.toContain('too-early');
  }, 90_000);

  test('that is updated leaves the connection as it was', async () => {
    const { setup, stack } = await rig.connect('updated');
    rig.aws.updateStack(stack.stackId, { EnableEks: 'false', EnableKmsEncryption: 'false' });
    expect((await rig.aws.waitForStack(stack.stackId)).status).toBe('UPDATE_COMPLETE');
    rig.aws.blockCallbacks();
    rig.aws.updateStack(stack.stackId, { EnableEks: 'true', MaxSessionDuration: '7200' });
    expect((await rig.aws.waitForStack(stack.stackId)).status).toBe('UPDATE_COMPLETE');
    expect(await verify('updated')).toMatchObject({ code: 0 });
    expect((await rig.look({ ...cutOff, setup })).state).toBe(COMPLETED);
    expect(await rig.audit('trust_setup.complete', 'updated')).toHaveLength(1);
    expect((await issue('updated')).credentials.value?.sessionToken).not.toBe('');
  }, 60_000);

  test('that is deleted leaves a connection which says what is wrong', async () => {
    const { stack } = await rig.connect('deleted');
    rig.aws.blockCallbacks();
    rig.aws.deleteStack(stack.stackId);
    expect((await rig.aws.waitForStack(stack.stackId)).status).toBe('DELETE_COMPLETE');
    const { code, stdout } = await verify('deleted');
    expect(code).toBe(6);
    expect(stdout).toMatch(/AccessDenied/);
    expect(stdout).toMatch(/^cause.*\nhint /m);
    expect(await rig.connections()).toContain('deleted');
    const refused = await refusalOf(issue('deleted'));
    expect(refused).toMatchObject({ code: Code.FailedPrecondition, reason: 'AWS_REFUSED' });
    expect(refused.hint).toBe('planton connection verify deleted');
    expectRefusal(
      await rig.platform.cli(['connection', 'credentials', '--connection', 'deleted', '-o', 'json']),
      5,
      /planton connection verify deleted/,
    );
  }, 60_000);
});

describe('the role', () => {
  test('that AWS does not know everywhere yet is shown as propagating, and waited for', async () => {
    rig.aws.propagationDelay(5_000);
    const begun = await rig.begin('slow-iam');
    await rig.aws.quickCreate(begun.link);
    const propagating = await rig.wait(
      begun,
      ({ wait, attempts }) => wait === AwsTrustSetupWait.PROPAGATION && attempts > 0,
    );
    expect(propagating).toMatchObject({ state: VERIFYING });
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
  }, 60_000);

  test('that is deleted and made again works again, without anything to do here', async () => {
    const { setup, trustPolicy } = await rig.connect('again');
    rig.aws.deleteRole(setup.roleArn);
    expect((await verify('again')).code).toBe(6);
    rig.aws.putRole(ACCOUNT, { name: setup.roleName, trustPolicy: JSON.parse(trustPolicy) });
    expect(await verify('again')).toMatchObject({ code: 0 });
    expect((await issue('again')).credentials.value?.sessionToken).not.toBe('');
  }, 60_000);
});

describe('STS', () => {
  test('that is slow, throttles, breaks and hangs up delays a set-up and nothing else', async () => {
    rig.aws.delay(400, ROLES);
    for (const fault of ['throttling', 'internal_failure', 'service_unavailable', 'disconnect'] as const)
      rig.aws.fail(fault, 2, ROLES);
    expect((await rig.connect('patient')).setup.state).toBe(COMPLETED);
    expect(await rig.audit('trust_setup.complete', 'patient')).toHaveLength(1);
  }, 60_000);

  test('that is down is named, and waited for', async () => {
    const begun = await rig.begin('down');
    rig.aws.fail('service_unavailable', Number.POSITIVE_INFINITY, ROLES);
    await rig.aws.quickCreate(begun.link);
    const waiting = await rig.wait(begun, ({ wait }) => wait === AwsTrustSetupWait.PLATFORM);
    expect(waiting.state).toBe(VERIFYING);
    expect(waiting.message).toMatch(/503|ServiceUnavailable/);
    rig.aws.heal();
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
  }, 60_000);

  test('that is down keeps a set-up from being begun, which leaves nothing behind', async () => {
    rig.aws.fail('service_unavailable', Number.POSITIVE_INFINITY, { service: 'sts' });
    const args = ['connect', 'aws', '--name', 'too-soon', '--account-id', ACCOUNT, '--no-browser'];
    const result = await rig.platform.cli(args);
    expectRefusal(result, 7, /ServiceUnavailable/);
    const shown = refusalOf(rig.owner.connections.getAwsTrustSetup({ org: 'acme', connection: 'too-soon' }));
    expect((await shown).code).toBe(Code.NotFound);
  }, 60_000);

  test('that is down denies sessions that have to be opened, and none that are open', async () => {
    await rig.connect('issuing');
    const { key } = await rig.owner.identity.createApiKey({ org: 'acme', name: 'cold', role: Role.DEPLOYER });
    const cold = createPlanton({ server: rig.platform.url, apiKey: key });
    const warm = (await issue('issuing')).credentials.value?.accessKeyId;
    rig.aws.fail('service_unavailable', Number.POSITIVE_INFINITY, { service: 'sts' });
    expect((await issue('issuing')).credentials.value?.accessKeyId).toBe(warm);
    const ask = () => cold.connections.issueCredentials({ org: 'acme', connection: 'issuing' });
    await expect(ask()).rejects.toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringMatching(/^connection "issuing": /),
    });
    rig.aws.heal();
    rig.aws.fail('throttling', 1, ROLES);
    rig.aws.delay(2_000, ROLES);
    expect((await ask()).credentials.value?.sessionToken).not.toBe('');
  }, 60_000);

  test('of the region of the connection is asked, and no other', async () => {
    await waitUntil('the set-up', () => rig.look(cutOff).then(({ endTime }) => endTime !== undefined));
    const regions = (name: string) =>
      new Set(
        rig.aws
          .requests()
          .filter(({ assumeRole }) => assumeRole?.roleArn.includes(`PlantonConnect-${name}-`))
          .map(({ region }) => region),
      );
    expect(regions('cut-off')).toEqual(new Set(['eu-west-1']));
    expect(regions('issuing')).toEqual(new Set([REGION]));
  });
});
