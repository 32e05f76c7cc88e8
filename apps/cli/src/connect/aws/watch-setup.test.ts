import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ConnectError } from '@connectrpc/connect';
import { AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { describe, expect, test } from 'vitest';
import { cliAt } from '../../testing/run-cli.ts';
import { Code, refusal, serve } from '../../testing/serve.ts';
import { spawnCli } from '../../testing/spawn-cli.ts';
import { completed, type SetupStream, trustSetupService, verifying } from '../../testing/trust-setups.ts';

const done: SetupStream = { changes: [completed] };
const connect = ['connect', 'aws', '--name', 'prod-aws', '--org', 'acme', '--account-id', '123456789012'];

/** The same for a process of its own, whose clock is the real one. */
function ofToday(...streams: SetupStream[]) {
  const service = trustSetupService(...streams);
  service.setup = { expireTime: timestampFromDate(new Date('2999-01-01T00:00:00Z')) };
  return service;
}

async function watch(...streams: SetupStream[]) {
  const service = trustSetupService(...streams);
  const { url } = await serve(service.routes);
  return { service, ...(await cliAt(url).cli(connect)) };
}

describe('a stream that breaks', () => {
  test.each<[string, SetupStream, string]>([
    [
      'by a server that ends',
      { changes: [{}], end: refusal(Code.Unavailable, 'the server is ending') },
      'the server is ending',
    ],
    [
      'by what the server has no words for',
      { changes: [], end: refusal(Code.Internal, 'internal error') },
      'internal error',
    ],
    [
      'between two messages',
      { changes: [verifying], end: new ConnectError('protocol error', Code.InvalidArgument) },
      'protocol error',
    ],
    [
      'before anything was heard',
      { changes: [], end: refusal(Code.DeadlineExceeded, 'too late') },
      'too late',
    ],
    ['by being cancelled', { changes: [], end: refusal(Code.Canceled, 'cancelled') }, 'cancelled'],
  ])('%s is opened again, and that is said', async (_, broken, message) => {
    const { service, code, stdout, stderr } = await watch(broken, done);
    expect({ code, watched: service.watched.length }).toEqual({ code: 0, watched: 2 });
    expect(stdout).toContain('set-up        completed');
    expect(stderr).toContain(`warning: ${message}; trying again\n`);
  });

  test('that ends without a word is opened again in silence', async () => {
    const { service, code, stderr } = await watch({ changes: [{}] }, done);
    expect({ code, watched: service.watched.length }).toEqual({ code: 0, watched: 2 });
    expect(stderr).not.toContain('warning');
  });

  test('says nothing again that has not changed', async () => {
    const end = refusal(Code.Unavailable, 'the server is ending');
    const { stderr } = await watch({ changes: [verifying], end }, { changes: [verifying], end }, done);
    expect(stderr.match(/ verifying, /g)).toHaveLength(1);
    expect(stderr.match(/warning: /g)).toHaveLength(2);
  });

  test.each([
    [Code.PermissionDenied, 4],
    [Code.Unauthenticated, 4],
    [Code.NotFound, 3],
    [Code.InvalidArgument, 2],
    [Code.Unimplemented, 1],
  ])('by a refusal (%i) is not', async (code, exitCode) => {
    const end = refusal(code, 'enough');
    const outcome = await watch({ changes: [verifying], end }, done);
    expect(outcome).toMatchObject({
      code: exitCode,
      stdout: '',
      stderr: expect.stringContaining('error: enough'),
    });
    expect(outcome.service.watched).toHaveLength(1);
  });

  test('is not opened again long after the set-up is over', async () => {
    const service = trustSetupService({ changes: [], end: refusal(Code.Unavailable, 'down') });
    service.setup = { expireTime: timestampFromDate(new Date(0)) };
    const { url } = await serve(service.routes);
    expect(await cliAt(url).cli(connect)).toMatchObject({ code: 7, stdout: '' });
    expect(service.watched).toHaveLength(1);
  });
});

test('a server that is started again is asked again', async () => {
  const service = ofToday({ changes: [{ wait: AwsTrustSetupWait.ROLE }], open: true }, done);
  const { url, stop } = await serve(service.routes);
  const cli = spawnCli(connect, cliAt(url).env);
  await cli.said('waiting for the role');
  await stop();
  await cli.said(`warning: cannot reach the server at ${url}: nothing listens there; trying again`);
  await serve(service.routes, Number(new URL(url).port));
  const { code, stdout } = await cli.ended;
  expect(code).toBe(0);
  expect(stdout).toContain('set-up        completed');
});

test('a set-up that has ended already is not watched', async () => {
  const service = trustSetupService();
  service.setup = completed;
  const { url } = await serve(service.routes);
  expect(await cliAt(url).cli(connect)).toMatchObject({ code: 0 });
  expect(service.watched).toEqual([]);
});

describe('a signal', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends with %i, and how to wait again', async (signal, exitCode) => {
    const { url } = await serve(ofToday({ changes: [{ wait: AwsTrustSetupWait.ROLE }], open: true }).routes);
    const cli = spawnCli(connect, cliAt(url).env);
    await cli.said('waiting for the role');
    cli.kill(signal);
    const { code, stdout, stderr, signal: endedBy } = await cli.ended;
    expect({ code, endedBy, stdout }).toEqual({ code: exitCode, endedBy: null, stdout: '' });
    expect(stderr).toContain(
      'error: interrupted\nhint: the set-up goes on by itself until 2999-01-01T00:00:00Z; wait for it with: planton connect aws --name prod-aws --org acme --account-id 123456789012\n',
    );
  });

  test('ends it also while the server cannot be reached', async () => {
    const { url, stop } = await serve(ofToday({ changes: [{}], open: true }).routes);
    const cli = spawnCli(connect, cliAt(url).env);
    await cli.said('waiting for the callback');
    await stop();
    await cli.said('nothing listens there; trying again');
    cli.kill('SIGINT');
    expect((await cli.ended).code).toBe(130);
  });
});
