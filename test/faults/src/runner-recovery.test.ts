import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { type Operation, OperationState } from '@planton/api/runner/v1/operation';
import { createPlanton, type Planton } from '@planton/client';
import { writeCredentials } from '@planton/enrolment';
import { type Platform, type RunnerProcess, startPlatform, startRunner } from '@planton/test-platform';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { isAlive, listProcesses } from './measure-process.ts';
import { enrolInstance, ORG, ping } from './prepare-runners.ts';
import { type SlowSts, startSlowSts } from './start-slow-sts.ts';
import { waitUntil } from './wait-until.ts';

// Runners and servers that end, in good order and otherwise, while operations are under way.

let platform: Platform;
let planton: Planton;
let sts: SlowSts;
let file: string;
const runners: RunnerProcess[] = [];

beforeAll(async () => {
  platform = await startPlatform();
  planton = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await planton.identity.createOrganization({ slug: ORG });
  sts = await startSlowSts();
  file = join(platform.home, 'steady.json');
  await writeCredentials(file, await enrolInstance(platform, planton, 'steady'));
}, 90_000);
beforeEach(() => sts.hold());
afterEach(async () => {
  sts.release();
  await Promise.all(runners.splice(0).map((runner) => runner.end('SIGKILL')));
});
afterAll(async () => {
  await platform?.stop();
  await sts?.stop();
});

const start = async (credentials = file, options: { wait?: boolean; args?: string[] } = {}) => {
  const { wait = true, args = [] } = options;
  const env = {
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    AWS_ENDPOINT_URL_STS: sts.url,
  };
  const runner = await startRunner(platform, {
    args: ['--credentials-file', credentials, ...args],
    env,
    wait,
  });
  runners.push(runner);
  return runner;
};
/** Asks the runner who it is for AWS: it lasts for as long as STS holds the answer back. */
const verify = async (): Promise<string> => {
  const { operation } = await planton.runners.executeOperation({
    org: ORG,
    runner: 'steady',
    input: {
      kind: {
        case: 'verifyAwsAccess',
        value: {
          accountId: '123456789012',
          region: 'us-west-2',
          authentication: { method: { case: 'defaultChain', value: {} } },
        },
      },
    },
    timeout: { seconds: 120n },
    detach: true,
  });
  return operation?.uid ?? expect.fail('no operation was taken down');
};
const operationOf = async (operationUid: string): Promise<Operation | undefined> =>
  (await planton.runners.getOperation({ org: ORG, operationUid })).operation;
const untilSucceeded = (uid: string) =>
  waitUntil(`operation ${uid} to succeed`, async () => {
    const operation = await operationOf(uid);
    if (operation && operation.state > OperationState.SUCCEEDED)
      throw new Error(`it ended otherwise: ${JSON.stringify(operation.error)}`);
    return operation?.state === OperationState.SUCCEEDED && operation;
  });

test('SIGTERM: a runner finishes what it has, takes nothing more, and ends with 0', async () => {
  const runner = await start(file, { args: ['--max-in-flight', '2'] });
  const uids = [await verify(), await verify(), await verify()];
  await waitUntil('two of three are under way', () => sts.waiting() === 2);
  runner.kill('SIGTERM');
  await waitUntil('it takes nothing more', async () => !(await runner.isReady()));
  const late = await verify();
  expect(
    await Promise.race([runner.ended, new Promise((resolve) => setTimeout(resolve, 500, 'alive'))]),
  ).toBe('alive');
  sts.release();
  expect(await runner.ended).toBe(0);

  // One that was on its way to the runner when it ended waits again as soon as that is noticed.
  const inState = async (wanted: OperationState) => {
    const operations = await Promise.all([...uids, late].map(operationOf));
    return operations.filter((operation) => operation?.state === wanted).length;
  };
  await waitUntil('two to wait again', async () => (await inState(OperationState.QUEUED)) === 2);
  expect(await inState(OperationState.SUCCEEDED)).toBe(2);
  // What waited goes to whoever comes next, and nothing is carried out twice.
  await start();
  for (const uid of [...uids, late]) await untilSucceeded(uid);
  expect(sts.answered()).toBe(4);
}, 60_000);

test('SIGTERM again and again: none of the operations that come meanwhile is lost', async () => {
  let runner = await start();
  let left = 400;
  const ends: string[] = [];
  const work = async () => {
    while (left-- > 0) {
      const { operation } = await planton.runners.executeOperation(
        {
          org: ORG,
          runner: 'steady',
          input: { kind: { case: 'ping', value: {} } },
          timeout: { seconds: 60n },
        },
        { timeoutMs: 70_000 },
      );
      const { state, error } = operation ?? {};
      ends.push(error ? `${error.reason}: ${error.message}` : `state ${state}`);
    }
  };
  const working = Promise.all(Array.from({ length: 8 }, work));
  for (const share of [50, 200]) {
    await waitUntil('operations to go on', () => ends.length >= share);
    expect(await runner.end('SIGTERM')).toBe(0);
    runner = await start(file, { wait: false });
  }
  await working;
  expect(new Set(ends)).toEqual(new Set([`state ${OperationState.SUCCEEDED}`]));
}, 90_000);

test('kill -9 of a runner: its operations are carried out by the next one', async () => {
  const runner = await start();
  const uid = await verify();
  await waitUntil('it is under way', () => sts.waiting() === 1);
  await runner.end('SIGKILL');
  sts.release();
  await start();
  expect(await untilSucceeded(uid)).toMatchObject({ attempt: 2 });
}, 60_000);

test('kill -9 of the server: the platform runner ends with it, the others come back by themselves', async () => {
  const runner = await start();
  const uid = await verify();
  await waitUntil('it is under way', () => sts.waiting() === 1);
  const server = platform.process()?.pid ?? 0;
  const platformRunner = await waitUntil('the platform runner', async () =>
    (await listProcesses()).find(
      ({ parent, command }) => parent === server && command.includes('--platform'),
    ),
  );
  await platform.end('SIGKILL');
  await waitUntil('the platform runner is gone', () => !isAlive(platformRunner.pid));
  await waitUntil('the runner notices', async () => !(await runner.isReady()));

  await platform.start();
  await runner.ready();
  sts.release();
  await untilSucceeded(uid);
  expect(await ping(planton, 'steady')).toBe(OperationState.SUCCEEDED);
  const next = platform.process()?.pid ?? 0;
  const successor = await waitUntil('another platform runner', async () =>
    (await listProcesses()).find(({ parent, command }) => parent === next && command.includes('--platform')),
  );
  expect(successor.pid).not.toBe(platformRunner.pid);
}, 90_000);

test('kill -9 of the platform runner: the server starts another', async () => {
  const server = platform.process()?.pid ?? 0;
  const find = async () =>
    (await listProcesses()).find(
      ({ parent, command }) => parent === server && command.includes('--platform'),
    );
  const first = await waitUntil('the platform runner', find);
  process.kill(first.pid, 'SIGKILL');
  const second = await waitUntil('another one', async () => {
    const found = await find();
    return found?.pid !== first.pid && found;
  });
  expect(isAlive(second.pid)).toBe(true);
  expect((await fetch(`${platform.url}/readyz`)).status).toBe(200);
}, 60_000);

test('a copy of the credentials takes the place of the first process, which says so', async () => {
  const first = await start();
  const copy = join(platform.home, 'copy.json');
  cpSync(file, copy);
  const second = await start(copy);
  expect(await first.ended).toBe(5);
  expect(first.log()).toMatch(/^error: another process connected with the same credentials/m);
  expect(first.log()).toMatch(/^hint: .*credentials of its own/m);
  expect(await second.isReady()).toBe(true);
  expect(await ping(planton, 'steady')).toBe(OperationState.SUCCEEDED);
}, 60_000);
