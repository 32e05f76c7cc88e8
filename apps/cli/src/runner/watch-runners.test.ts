import { RunnerState } from '@planton/api/runner/v1/runner';
import { expect, test } from 'vitest';
import { cliAt, type Setting } from '../testing/run-cli.ts';
import { runnerService, type WatchStream } from '../testing/runners.ts';
import { screenOf } from '../testing/screen.ts';
import { Code, refusal, serve } from '../testing/serve.ts';
import { spawnCli } from '../testing/spawn-cli.ts';

/** Watches these streams; one more, which is refused, ends the command. */
async function watch(streams: readonly WatchStream[], args: readonly string[] = [], setting: Setting = {}) {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  service.streams.push(...streams, { events: [], end: refusal(Code.PermissionDenied, 'enough') });
  const outcome = await cliAt(url).cli(['runner', 'list', '--watch', ...args], {
    ...setting,
    env: { PLANTON_ORG: 'acme' },
  });
  expect({ code: outcome.code, left: service.streams }).toEqual({ code: 4, left: [] });
  return outcome;
}

const runner = (slug: string, state: RunnerState, onlineInstances = 0) => ({
  case: 'runner' as const,
  value: { metadata: { slug }, status: { state, instances: 1, onlineInstances, versions: ['0.1.0'] } },
});
const deleted = (slug: string) => ({ case: 'deleted' as const, value: slug });
const complete = { case: 'complete' as const, value: true };
const { ONLINE, OFFLINE, PENDING, REVOKED } = RunnerState;
const broken = refusal(Code.Unavailable, 'the gateway is ending');

test('without a terminal: the table once, then a line with every change', async () => {
  const { stdout } = await watch([
    {
      events: [
        runner('b', PENDING),
        runner('a', ONLINE, 1),
        complete,
        runner('a', OFFLINE),
        runner('a', OFFLINE),
        deleted('b'),
        deleted('b'),
      ],
    },
  ]);
  expect(stdout.split('\n')).toEqual([
    'NAME  STATE    ONLINE  VERSION  RUNNING  QUEUED  LAST SEEN',
    'a     online   1/1     0.1.0    0        0       now',
    'b     pending  0/1     0.1.0    0        0       never',
    '2026-03-01T12:00:00.000Z a is offline, 0 of 1 instances online, version 0.1.0, 0 running, 0 queued',
    '2026-03-01T12:00:00.000Z b is gone',
    '',
  ]);
});

test('a server that goes away is asked again, and what changed meanwhile is told', async () => {
  const { stdout, stderr } = await watch([
    {
      events: [runner('a', ONLINE, 1), runner('b', ONLINE, 1), runner('c', ONLINE, 1), complete],
      end: broken,
    },
    { events: [runner('a', ONLINE, 1), runner('b', REVOKED)], end: broken },
    { events: [runner('a', ONLINE, 1), runner('b', REVOKED), runner('d', PENDING), complete] },
  ]);
  expect(stdout.split('\n').slice(4)).toEqual([
    '2026-03-01T12:00:00.000Z b is revoked, 0 of 1 instances online, version 0.1.0, 0 running, 0 queued',
    '2026-03-01T12:00:00.000Z d is pending, 0 of 1 instances online, version 0.1.0, 0 running, 0 queued',
    '2026-03-01T12:00:00.000Z c is gone',
    '',
  ]);
  expect(stderr.match(/warning: the gateway is ending; trying again/g)).toHaveLength(2);
});

test('a connection that is cut is opened again', async () => {
  const service = await runnerService();
  const { url, cut } = await serve(service.routes);
  const open = { events: [runner('a', ONLINE, 1), complete], open: true };
  service.streams.push(open, { events: [complete], end: refusal(Code.PermissionDenied, 'enough') });
  const cli = spawnCli(['runner', 'list', '--watch'], { ...cliAt(url).env, PLANTON_ORG: 'acme' });
  await cli.printed('online');
  cut();
  const { code, stdout, stderr } = await cli.ended;
  expect(code).toBe(4);
  expect(stdout).toContain(' a is gone');
  expect(stderr).toContain(
    `warning: cannot reach the server at ${url}: the connection was closed; trying again`,
  );
});

test('a server that never answered is not asked again', async () => {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  service.streams.push({ events: [], end: broken }, { events: [complete] });
  const { code, stderr } = await cliAt(url).cli(['runner', 'list', '-w'], { env: { PLANTON_ORG: 'acme' } });
  expect({ code, left: service.streams.length }).toEqual({ code: 7, left: 1 });
  expect(stderr).toContain('error: the gateway is ending');
});

test('-o json is one event a line', async () => {
  const { stdout } = await watch(
    [{ events: [runner('a', ONLINE, 1), complete, deleted('a')] }],
    ['-o', 'json'],
  );
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { runner: { metadata: { slug: 'a' }, status: { state: 'online' } } },
    { complete: true },
    { deleted: 'a' },
  ]);
});

test('-o yaml is one document an event', async () => {
  const { stdout } = await watch([{ events: [complete, deleted('a')] }], ['-o', 'yaml']);
  expect(stdout).toBe('---\ncomplete: true\n---\ndeleted: a\n');
});

const terminal = { columns: 80, rows: 12 };

test('on a terminal the table is drawn over', async () => {
  const { stdout } = await watch(
    [
      {
        events: [runner('a', ONLINE, 1), runner('b', ONLINE, 1), complete, runner('a', OFFLINE)],
        end: broken,
      },
      { events: [runner('a', REVOKED), complete, runner('c', ONLINE, 1)] },
    ],
    [],
    { terminal },
  );
  expect(stdout).toContain('the gateway is ending; trying again');
  expect(screenOf(stdout, terminal)).toEqual([
    'NAME  STATE    ONLINE  VERSION  RUNNING  QUEUED  LAST SEEN',
    'a     revoked  0/1     0.1.0    0        0       never',
    'c     online   1/1     0.1.0    0        0       now',
    '',
  ]);
});

test('no runner is said, until there is one', async () => {
  const events = [complete, runner('a', PENDING)];
  const plain = await watch([{ events }]);
  expect(plain.stderr).toContain('no runner in acme');
  expect(plain.stdout).toContain('a is pending');
  const drawn = await watch([{ events }], [], { terminal });
  expect(screenOf(drawn.stdout, terminal)[1]).toMatch(/^a +pending/);
});

test('what a server calls a runner cannot change the terminal', async () => {
  const events = [complete, runner('a\u001b[2J', ONLINE), deleted('a\u001b[2J')];
  for (const setting of [{}, { terminal }]) {
    const { stdout } = await watch([{ events }], [], setting);
    expect(stdout).toContain('a\\u001b[2J');
    expect(stdout).not.toContain('\u001b[2J');
  }
});
