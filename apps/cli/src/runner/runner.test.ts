import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { OperationErrorKind, OperationState } from '@planton/api/runner/v1/operation';
import {
  RunnerInstanceSchema,
  RunnerInstanceState,
  RunnerSchema,
  RunnerState,
} from '@planton/api/runner/v1/runner';
import { describe, expect, test } from 'vitest';
import { cliAt, type Setting } from '../testing/run-cli.ts';
import { runnerService } from '../testing/runners.ts';
import { serve } from '../testing/serve.ts';

const seen = timestampFromDate(new Date('2026-02-28T08:00:00Z'));

async function start() {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  const { cli } = cliAt(url);
  const runner = (args: string[], setting: Setting = {}) =>
    cli(['runner', ...args], { ...setting, env: { PLANTON_ORG: 'acme' } });
  service.runners.set(
    'my-aws-runner',
    create(RunnerSchema, {
      metadata: { name: 'my-aws-runner', slug: 'my-aws-runner', org: 'acme' },
      status: {
        state: RunnerState.ONLINE,
        onlineInstances: 1,
        instances: 2,
        versions: ['0.1.0', '0.2.0'],
        runningOperations: 3,
        queuedOperations: 4,
        lastSeenTime: seen,
      },
    }),
  );
  return { service, runner };
}

describe('list and get', () => {
  test('list says whether runners are connected', async () => {
    const { service, runner } = await start();
    const pending = { metadata: { slug: 'b' }, status: { state: RunnerState.PENDING } };
    const offline = { metadata: { slug: 'c' }, status: { state: RunnerState.OFFLINE, lastSeenTime: seen } };
    service.runners.set('b', create(RunnerSchema, pending));
    service.runners.set('c', create(RunnerSchema, offline));
    expect((await runner(['list'])).stdout).toBe(
      [
        'NAME           STATE    ONLINE  VERSION       RUNNING  QUEUED  LAST SEEN',
        'my-aws-runner  online   1/2     0.1.0, 0.2.0  3        4       now',
        'b              pending  0/0     -             0        0       never',
        'c              offline  0/0     -             0        0       2026-02-28T08:00:00Z\n',
      ].join('\n'),
    );
    expect(JSON.parse((await runner(['list', '-o', 'json'])).stdout)[0]).toMatchObject({
      metadata: { slug: 'my-aws-runner' },
      status: { state: 'online', online_instances: 1 },
    });
  });

  test('none says how to register one', async () => {
    const { service, runner } = await start();
    service.runners.clear();
    expect(await runner(['list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'no runner in acme; register one with: planton runner register --name NAME\n',
    });
  });

  test('get shows the instances, and what hosts say about themselves cannot change the terminal', async () => {
    const { service, runner } = await start();
    const instance = (uid: string, state: RunnerInstanceState) =>
      create(RunnerInstanceSchema, {
        uid,
        name: 'ip-10-0-0-1\u001b[2J',
        state,
        version: '0.1.0\r\nroot',
        host: { hostname: 'ip-10-0-0-1\u0007', os: 'linux', arch: 'arm64' },
        certificateExpireTime: seen,
      });
    service.instances.set('my-aws-runner', [
      instance('i-1', RunnerInstanceState.ONLINE),
      instance('i-2', RunnerInstanceState.REVOKED),
    ]);
    const { stdout } = await runner(['get', 'my-aws-runner']);
    expect(stdout).toMatch(/^NAME +STATE.*\nmy-aws-runner +online.*\n\nINSTANCE +STATE/);
    expect(stdout).toMatch(
      /ip-10-0-0-1\\u001b\[2J +online +0\.1\.0\\u000d\\u000aroot +ip-10-0-0-1\\u0007 linux\/arm64/,
    );
    expect(stdout).not.toContain('i-2');
    expect((await runner(['get', 'my-aws-runner', '--all'])).stdout).toMatch(/revoked.*i-2/);
    expect(JSON.parse((await runner(['get', 'my-aws-runner', '-o', 'json'])).stdout)).toMatchObject({
      metadata: { slug: 'my-aws-runner' },
      instances: [{ uid: 'i-1', state: 'online', host: { arch: 'arm64' } }],
    });
    expect(await runner(['get', 'nothing'])).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('revoke and delete', () => {
  test('without a terminal revoke needs --yes', async () => {
    const { service, runner } = await start();
    const { code, stderr } = await runner(['revoke', 'my-aws-runner']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*\nhint: .*--yes\n$/);
    expect(service.runners.get('my-aws-runner')?.status?.state).toBe(RunnerState.ONLINE);

    expect((await runner(['revoke', 'my-aws-runner', '--yes'])).stderr).toBe(
      'runner my-aws-runner revoked; its sessions end now\n',
    );
    expect(service.runners.get('my-aws-runner')?.status?.state).toBe(RunnerState.REVOKED);
    expect(await runner(['revoke', 'nothing', '--yes'])).toMatchObject({ code: 3 });
  });

  test('one instance is revoked, the runner stays', async () => {
    const { service, runner } = await start();
    const online = { state: RunnerInstanceState.ONLINE };
    const instances = ['i-1', 'i-2'].map((uid) => create(RunnerInstanceSchema, { uid, ...online }));
    service.instances.set('my-aws-runner', instances);
    const { stderr } = await runner(['revoke', 'my-aws-runner', '--instance', 'i-1', '--yes']);
    expect(stderr).toBe('instance i-1 of runner my-aws-runner revoked; its sessions end now\n');
    expect(instances.map(({ state }) => state)).toEqual([
      RunnerInstanceState.REVOKED,
      RunnerInstanceState.ONLINE,
    ]);
    expect(service.runners.get('my-aws-runner')?.status?.state).toBe(RunnerState.ONLINE);
  });

  test('an empty --instance does not mean all of them', async () => {
    const { service, runner } = await start();
    expect(await runner(['revoke', 'my-aws-runner', '--instance', '', '--yes'])).toMatchObject({ code: 2 });
    expect(service.runners.get('my-aws-runner')?.status?.state).toBe(RunnerState.ONLINE);
  });

  test.each([
    ['revoke', 'y', true],
    ['revoke', '', false],
    ['delete', 'y', true],
    ['delete', 'n', false],
  ])('at a terminal %s asks, and takes %j for an answer', async (verb, answer, done) => {
    const { service, runner } = await start();
    const { code, stderr } = await runner([verb, 'my-aws-runner'], { answers: [answer] });
    expect(stderr).toContain('for ever? [y/N] ');
    expect(code).toBe(done ? 0 : 1);
    const state = service.runners.get('my-aws-runner')?.status?.state;
    expect(state === RunnerState.ONLINE).toBe(!done);
  });

  test('a runner that is in use is not deleted, and its users are named', async () => {
    const { service, runner } = await start();
    service.users.set('my-aws-runner', ['AwsProviderConnection aws-runner']);
    const { code, stderr } = await runner(['delete', 'my-aws-runner']);
    expect(code).toBe(5);
    expect(stderr).toBe(
      'error: runner "my-aws-runner" is in use by AwsProviderConnection aws-runner\nhint: planton runner usages my-aws-runner\n',
    );
    expect((await runner(['usages', 'my-aws-runner'])).stdout).toMatch(
      /AwsProviderConnection +aws-runner +in use/,
    );
    service.users.clear();
    expect((await runner(['usages', 'my-aws-runner'])).stderr).toBe('nothing uses runner my-aws-runner\n');
    expect((await runner(['delete', 'my-aws-runner'])).code).toBe(0);
    expect(service.runners.size).toBe(0);
  });
});

describe('ping', () => {
  test('prints how long the way there and back took, and the version of the runner', async () => {
    const { service, runner } = await start();
    const { code, stdout } = await runner(['ping', 'my-aws-runner']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^my-aws-runner answered in \d+\.\d ms \(version 1\.2\.3, instance instance-7\)\n$/,
    );
    await runner(['ping', 'my-aws-runner', '--timeout', '2m']);
    expect(service.asked.operations).toMatchObject([
      { input: { kind: { case: 'ping' } }, timeout: { seconds: 10n } },
      { timeout: { seconds: 120n } },
    ]);
    const data = JSON.parse((await runner(['ping', 'my-aws-runner', '-o', 'json'])).stdout);
    expect(data).toMatchObject({
      runner: 'my-aws-runner',
      version: '1.2.3',
      runner_time: '2026-03-01T12:00:00Z',
    });
    expect(data.round_trip_ms).toBeGreaterThan(0);
  });

  test.each([
    [OperationErrorKind.OFFLINE, 7],
    [OperationErrorKind.DEADLINE, 7],
    [OperationErrorKind.TRANSIENT, 7],
    [OperationErrorKind.REFUSED, 5],
    [OperationErrorKind.INVALID, 2],
    [OperationErrorKind.INTERNAL, 1],
  ])('a failure of kind %i ends with exit code %i', async (kind, exitCode) => {
    const { service, runner } = await start();
    const error = { kind, reason: 'TEST', message: 'no\u001b[1m answer', hint: 'planton runner list' };
    service.answer = { uid: 'o-1', state: OperationState.FAILED, error };
    expect(await runner(['ping', 'my-aws-runner'])).toEqual({
      code: exitCode,
      stdout: '',
      stderr:
        'error: the runner my-aws-runner did not answer: no\\u001b[1m answer\nhint: planton runner list\n',
    });
  });

  test('one that was cancelled says where to look', async () => {
    const { service, runner } = await start();
    service.answer = { uid: 'o-1', state: OperationState.CANCELLED };
    const { code, stderr } = await runner(['ping', 'my-aws-runner']);
    expect(code).toBe(1);
    expect(stderr).toContain('the operation is cancelled\nhint: planton operation get o-1');
  });

  test.each([['soon'], ['1x'], ['']])('a timeout of %j is refused', async (timeout) => {
    const { service, runner } = await start();
    expect(await runner(['ping', 'my-aws-runner', '--timeout', timeout])).toMatchObject({ code: 2 });
    expect(service.asked.operations).toEqual([]);
  });
});
