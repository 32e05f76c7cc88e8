import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { VerificationStepState } from '@planton/api/connect/v1/connection_service';
import {
  ConnectionStatusSchema,
  type ConnectionVerificationSchema,
  VerificationOutcome,
} from '@planton/api/connect/v1/connection_status';
import { expect, test } from 'vitest';
import { connectionService } from '../testing/connections.ts';
import { cliAt, type Setting } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

type Verification = MessageInitShape<typeof ConnectionVerificationSchema>;

const connection = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata: {name: my-aws}
spec:
  account_id: {value: "123456789012"}
  region: {value: us-west-2}
  access_key_id: {secret: a}
  secret_access_key: {secret: b}
`;

async function start() {
  const service = connectionService();
  const { url } = await serve(service.routes);
  const { cli } = cliAt(url);
  const acme = (args: readonly string[], setting: Setting = {}) =>
    cli(args, { ...setting, env: { PLANTON_ORG: 'acme', ...setting.env } });
  await acme(['apply', '-f', '-'], { stdin: connection });
  const answer = (result: Verification | undefined, ...steps: [string, VerificationStepState, string?][]) =>
    service.verification.splice(
      0,
      Infinity,
      ...steps.map(([name, state, detail = '']) => ({
        case: 'step' as const,
        value: { name, state, detail },
      })),
      ...(result ? [{ case: 'result' as const, value: result }] : []),
    );
  return {
    service,
    cli: acme,
    answer,
    verify: (setting?: Setting) => acme(['connection', 'verify', 'my-aws'], setting),
  };
}

const { RUNNING, PASSED, FAILED } = VerificationStepState;
const at = (time: string) => timestampFromDate(new Date(time));
const verified: Verification = {
  outcome: VerificationOutcome.VERIFIED,
  revision: 1,
  verifyTime: at('2026-03-01T09:00:00Z'),
  message: 'AWS answered for account 123456789012',
  identity: 'arn:aws:iam::123456789012:user/planton',
};
const refused: Verification = {
  outcome: VerificationOutcome.REFUSED,
  revision: 1,
  verifyTime: at('2026-03-01T09:00:00Z'),
  lastSuccessTime: at('2026-02-01T09:00:00Z'),
  message: 'AccessDenied',
  runner: 'my-aws-runner',
  causes: [
    { code: 'TRUST_POLICY', message: 'the role does not trust us', hint: 'look at its trust policy' },
    { code: 'EXTERNAL_ID', message: 'another external ID is asked for', hint: '' },
  ],
};
const inconclusive: Verification = {
  outcome: VerificationOutcome.INCONCLUSIVE,
  revision: 1,
  message: 'the runner is offline',
  causes: [{ code: 'RUNNER_OFFLINE', message: 'no instance is connected', hint: 'planton runner start' }],
};

test('what works: the identity that AWS saw, and exit code 0', async () => {
  const { answer, verify } = await start();
  answer(verified, ['asking sts', RUNNING], ['asking sts', PASSED, 'it answered']);
  expect(await verify()).toEqual({
    code: 0,
    stderr: 'passed  asking sts: it answered\n',
    stdout: [
      'connection   my-aws',
      'revision     1',
      'verdict      the connection works',
      'observed     AWS answered for account 123456789012',
      'identity     arn:aws:iam::123456789012:user/planton',
      'verified by  the platform runner',
      'verified at  2026-03-01T09:00:00Z\n',
    ].join('\n'),
  });
});

test('what is refused: every cause with what to do about it, and exit code 6', async () => {
  const { answer, verify } = await start();
  answer(refused, ['asking sts', FAILED, 'AccessDenied']);
  const { code, stdout } = await verify();
  expect(code).toBe(6);
  expect(stdout.split('\n').slice(2)).toEqual([
    'verdict      the connection does not work',
    'observed     AccessDenied',
    'verified by  runner my-aws-runner',
    'verified at  2026-03-01T09:00:00Z',
    'last worked  2026-02-01T09:00:00Z',
    'cause 1      TRUST_POLICY: the role does not trust us',
    'hint         look at its trust policy',
    'cause 2      EXTERNAL_ID: another external ID is asked for',
    '',
  ]);
});

test('what lets others in: when it last did not, and exit code 6', async () => {
  const { answer, verify, cli } = await start();
  const causes = [{ code: 'EXTERNAL_ID_NOT_ENFORCED', message: 'others are let in', hint: 'close it' }];
  answer({
    ...verified,
    outcome: VerificationOutcome.INSECURE,
    causes,
    probeTime: at('2026-02-28T09:00:00Z'),
  });
  const { code, stdout } = await verify();
  expect(code).toBe(6);
  expect(stdout).toContain('confused deputy');
  expect(stdout).toMatch(/kept out others +no, last shown at 2026-02-28/);
  expect(stdout).toContain('EXTERNAL_ID_NOT_ENFORCED');
  answer({ ...verified, outcome: VerificationOutcome.INSECURE, causes });
  expect((await verify()).stdout).toMatch(/kept out others +no\n/);
  expect((await cli(['connection', 'verify', '--help'])).stdout).toContain('lets others in');
});

test('when others were last shown to be kept out is said where it applies', async () => {
  const { answer, verify } = await start();
  const probeTime = at('2026-02-28T09:00:00Z');
  answer({ ...verified, probeTime });
  expect((await verify()).stdout).toMatch(/kept out others +yes, last shown at 2026-02-28/);
  answer({ ...inconclusive, probeTime });
  expect((await verify()).stdout).toMatch(/kept out others +not known, last shown at 2026-02-28/);
  answer(verified);
  expect((await verify()).stdout).not.toContain('kept out others');
});

test('what could not be found out: exit code 7', async () => {
  const { answer, verify } = await start();
  answer(inconclusive);
  const { code, stdout } = await verify();
  expect(code).toBe(7);
  expect(stdout).toContain('verdict      it could not be found out; try again\n');
  expect(stdout).toContain('last worked  never\n');
  expect(stdout).toContain('hint         planton runner start\n');
});

test('at a terminal each step has a line as it begins and as it ends', async () => {
  const { answer, verify } = await start();
  answer(
    verified,
    ['reading secrets', RUNNING],
    ['reading secrets', PASSED],
    ['asking sts', RUNNING],
    ['asking sts', FAILED, 'no'],
  );
  expect((await verify({ interactive: true, env: { NO_COLOR: '1' } })).stderr.split('\n')).toEqual([
    'begun   reading secrets',
    'passed  reading secrets',
    'begun   asking sts',
    'failed  asking sts: no',
    '',
  ]);
  expect((await verify({ interactive: true })).stderr).toContain(
    '\u001b[32mpassed\u001b[0m  reading secrets',
  );
});

test.each([
  [verified, 0, 'verified'],
  [refused, 6, 'refused'],
  [inconclusive, 7, 'inconclusive'],
])('-o json is the result alone', async (result, exitCode, outcome) => {
  const { answer, cli } = await start();
  answer(result, ['asking sts', RUNNING], ['asking sts', PASSED]);
  const { code, stdout, stderr } = await cli(['connection', 'verify', 'my-aws', '-o', 'json'], {
    interactive: true,
  });
  expect({ code, stderr }).toEqual({ code: exitCode, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ outcome });
});

test('a stream that ends without a result says so', async () => {
  const { answer, verify } = await start();
  answer(undefined, ['asking sts', RUNNING]);
  expect(await verify()).toEqual({
    code: 7,
    stdout: '',
    stderr:
      'error: the verification of my-aws ended without a result\nhint: try again: planton connection verify my-aws\n',
  });
});

test('a connection that does not exist', async () => {
  const { cli } = await start();
  expect(await cli(['connection', 'verify', 'nothing'])).toMatchObject({ code: 3, stdout: '' });
});

test('what a cloud answers cannot change the terminal', async () => {
  const { answer, verify } = await start();
  const hostile = 'x\u001b]0;title\u0007\r\n\u009b2J';
  const causes = [{ code: hostile, message: hostile, hint: hostile }];
  answer({ ...refused, message: hostile, identity: hostile, runner: hostile, causes }, [
    hostile,
    FAILED,
    hostile,
  ]);
  const { stdout, stderr } = await verify();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come through
  expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(stdout.split('\n').filter((line) => line.includes('2J'))).toHaveLength(5);
});

test('get shows the last verification, and applying what it shows changes nothing', async () => {
  const { service, cli } = await start();
  const held = service.connections.get('my-aws');
  if (held) held.status = create(ConnectionStatusSchema, { verification: refused });
  const { stdout } = await cli(['get', 'AwsProviderConnection', 'my-aws']);
  expect(stdout).toContain(
    [
      'status:',
      '  verification:',
      '    outcome: refused',
      '    verify_time: "2026-03-01T09:00:00Z"',
      '    revision: 1',
      '    message: AccessDenied',
      '    causes:',
      '      - code: TRUST_POLICY',
      '        message: the role does not trust us',
      '        hint: look at its trust policy',
    ].join('\n'),
  );
  const applied = await cli(['apply', '-f', '-'], { stdin: stdout });
  expect(applied).toMatchObject({ code: 0, stdout: expect.stringContaining('unchanged') });
});

test.each<[string, Verification | undefined, string]>([
  ['one that works', verified, 'yes, 3h ago'],
  ['one that was refused', refused, 'no: TRUST_POLICY'],
  ['one that was refused without a cause', { ...refused, causes: [] }, 'no'],
  ['one that could not be verified', inconclusive, 'unknown'],
  ['one that lets others in', { ...verified, outcome: VerificationOutcome.INSECURE }, 'insecure'],
  ['one that has changed since', { ...verified, revision: 7 }, 'changed since'],
  ['one that was never verified', undefined, '-'],
])('list says of %s: %s', async (_, verification, text) => {
  const { service, cli } = await start();
  const held = service.connections.get('my-aws');
  if (held && verification) held.status = create(ConnectionStatusSchema, { verification });
  const { stdout } = await cli(['connection', 'list']);
  const [heading = '', row = ''] = stdout.split('\n');
  const begin = heading.indexOf('VERIFIED');
  expect(row.slice(begin, heading.indexOf('REVISION')).trim()).toBe(text);
});
