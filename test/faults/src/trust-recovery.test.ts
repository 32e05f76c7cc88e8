import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { connectAccount } from '@planton/test-platform';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { listProcesses } from './measure-process.ts';
import { ACCOUNT, type Begun, startTrustRig, type TrustRig } from './start-trust-rig.ts';
import { waitUntil } from './wait-until.ts';

// What dies in the middle: the server, its runner, and the command that waits. A set-up goes on without them, and is completed once.

const { COMPLETED, PENDING } = AwsTrustSetupState;
const ROLES = { service: 'sts', action: 'AssumeRole' };

let rig: TrustRig;

beforeAll(async () => {
  rig = await startTrustRig();
}, 120_000);
afterEach(() => rig?.aws.heal());
afterAll(() => rig?.stop());

const typed = (name: string) => ['--name', name, '--account-id', ACCOUNT, '--no-browser'];
const heard = (name: string) =>
  waitUntil('the callback', async () => (await rig.audit('trust_setup.callback', name))[0]);
const completedOnce = async (name: string) => {
  for (const action of ['trust_setup.complete', 'connection.create'])
    expect(await rig.audit(action, name), action).toHaveLength(1);
  const { connection } = await rig.owner.connections.getConnection({ org: 'acme', connection: name });
  expect(connection?.kind.value?.status?.verification?.outcome).toBe(1);
};
/** The newest set-up of a connection that a command has begun. */
const begunBy = async (name: string): Promise<Begun> => {
  const { setup } = await rig.owner.connections.getAwsTrustSetup({ org: 'acme', connection: name });
  if (!setup) throw new Error(`nobody has begun ${name}`);
  return { org: 'acme', setup, link: '', externalId: '', token: '', trustPolicy: '' };
};
const platformRunner = async () => {
  const server = rig.platform.process()?.pid;
  const found = (await listProcesses()).find(
    ({ parent, command }) => parent === server && command.includes('--platform'),
  );
  return found?.pid;
};

describe('the server', () => {
  test('is killed between callback and completion, and completes the set-up when it is back', async () => {
    rig.aws.fail('service_unavailable', Number.POSITIVE_INFINITY, ROLES);
    const begun = await rig.begin('killed');
    await rig.aws.quickCreate(begun.link);
    await heard('killed');
    await rig.platform.end('SIGKILL');
    rig.aws.heal();
    await rig.platform.start();
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
    await completedOnce('killed');
  }, 240_000);

  test('is started again while a command waits, which goes on and ends with 0', async () => {
    const connecting = connectAccount(rig.platform, typed('watched'));
    const link = await connecting.link;
    await rig.platform.end('SIGKILL');
    await rig.platform.start();
    await rig.aws.quickCreate(link);
    const { code, stdout, stderr } = await connecting.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('trying again') });
    expect(stdout).toMatch(/set-up +completed/);
    await completedOnce('watched');
  }, 240_000);

  test('is asked to end while it verifies a role, and ends; the next one completes the set-up', async () => {
    rig.aws.delay(3_000, ROLES);
    const begun = await rig.begin('drained');
    await rig.aws.quickCreate(begun.link);
    await heard('drained');
    expect(await rig.platform.end('SIGTERM')).toBe(0);
    rig.aws.heal();
    await rig.platform.start();
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
    await completedOnce('drained');
  }, 240_000);
});

test('the platform runner is killed while it tries a role: another takes its place, and the set-up is completed', async () => {
  const before = await waitUntil('the platform runner', platformRunner);
  rig.aws.delay(2_000, ROLES);
  const begun = await rig.begin('orphaned');
  const { length } = rig.aws.requests();
  await rig.aws.quickCreate(begun.link);
  await heard('orphaned');
  process.kill(before, 'SIGKILL');
  rig.aws.heal();
  expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
  expect(await platformRunner()).not.toBe(before);
  expect(rig.aws.requests().length).toBeGreaterThan(length);
  await completedOnce('orphaned');
}, 240_000);

test('the platform runner is killed when a session is asked for: whoever asks waits for the next one', async () => {
  await rig.connect('waiting');
  const before = await waitUntil('the platform runner', platformRunner);
  rig.aws.delay(2_000, ROLES);
  const asked = rig.owner.connections.issueCredentials({ org: 'acme', connection: 'waiting' });
  process.kill(before, 'SIGKILL');
  rig.aws.heal();
  expect((await asked).credentials.value?.sessionToken).not.toBe('');
}, 240_000);

describe('the command', () => {
  test('is interrupted: it says how to go on, and the set-up is completed without it', async () => {
    const connecting = connectAccount(rig.platform, typed('left'));
    const link = await connecting.link;
    await waitUntil('the set-up', () => begunBy('left'));
    connecting.kill('SIGINT');
    const { code, stderr } = await connecting.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^hint: the set-up goes on by itself until .*planton connect aws --name left /m);
    const begun = await begunBy('left');
    expect(begun.setup.state).toBe(PENDING);
    await rig.aws.quickCreate(link);
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
    await completedOnce('left');
  }, 90_000);

  test('is typed again: it takes the same set-up up, and the first link is as good as the second', async () => {
    const first = connectAccount(rig.platform, typed('resumed'));
    const link = await first.link;
    first.kill('SIGINT');
    expect((await first.ended).code).toBe(130);
    const { setup } = await begunBy('resumed');
    const second = connectAccount(rig.platform, typed('resumed'));
    expect(await second.link).not.toBe(link);
    await rig.aws.quickCreate(link);
    const { code, stdout, stderr } = await second.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^still connecting /) });
    expect(stdout).toContain(setup.roleArn);
    expect((await begunBy('resumed')).setup.uid).toBe(setup.uid);
    await completedOnce('resumed');
  }, 90_000);

  test('is killed, and killed again: nothing is left but one set-up', async () => {
    const links: string[] = [];
    for (let time = 0; time < 2; time++) {
      const connecting = connectAccount(rig.platform, typed('abandoned'));
      links.push(await connecting.link);
      connecting.kill('SIGKILL');
      await connecting.ended;
    }
    const begun = await begunBy('abandoned');
    expect(new Set(links.map((link) => /stackName=([^&]+)/.exec(link)?.[1])).size).toBe(1);
    await rig.aws.quickCreate(links[1] ?? '');
    expect(await rig.wait(begun)).toMatchObject({ state: COMPLETED });
    await completedOnce('abandoned');
  }, 90_000);
});
