import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AwsCapability } from '@planton/api/connect/v1/aws_provider_connection';
import { AwsTrustSetupState, AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { AwsTrustCallback } from '@planton/api/connect/v1/connection_service';
import { describe, expect, test } from 'vitest';
import { done, start, tutorial } from '../../testing/connect-aws.ts';
import { fakeProgram } from '../../testing/fake-program.ts';
import { cliAt } from '../../testing/run-cli.ts';
import { Code, refusal, serve } from '../../testing/serve.ts';
import { cause, completed, failed, quickCreateUrl, stackId, verifying } from '../../testing/trust-setups.ts';

const everyCapability =
  'eks, ecs, vpc_networking, s3_storage, rds_database, lambda_compute, route53_dns, cloudwatch_monitoring, ecr_registry, kms_encryption';

describe('a set-up that is completed', () => {
  test('with the flags of the tutorial: what was left out is said, and the details are printed', async () => {
    const { service, connect } = await start({ changes: [{}, verifying, completed] });
    const { code, stdout, stderr } = await connect(tutorial);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'connection    prod-aws',
      'set-up        completed',
      'account       123456789012',
      'region        us-west-2',
      'role          arn:aws:iam::123456789012:role/PlantonConnect-prod-aws-1a2b3c4d',
      'external ID   secret planton-connect-prod-aws',
      `capabilities  ${everyCapability}`,
      `stack         ${stackId}`,
      `console       https://console.aws.amazon.com/cloudformation/home?region=us-west-2#/stacks/stackinfo?stackId=${encodeURIComponent(stackId)}`,
      '',
    ]);
    expect(stderr).toContain(
      'connecting account 123456789012 as prod-aws; the set-up is open until 2026-03-02T12:00:00Z\n',
    );
    expect(stderr).toContain('region us-west-2, for want of --region\n');
    expect(stderr).toContain(`all capabilities, for want of --capabilities: ${everyCapability}\n`);
    expect(stderr.split('\n')).toContain(quickCreateUrl);
    expect(stderr).toContain('see it with: planton get AwsProviderConnection prod-aws\n');
    expect(stderr).not.toContain('\u001b');
    expect(service.begun).toMatchObject([
      {
        org: 'your-org',
        name: 'prod-aws',
        accountId: '123456789012',
        region: 'us-west-2',
        capabilities: [],
        reconnect: false,
        callback: AwsTrustCallback.UNSPECIFIED,
        withoutStack: false,
        permissionsBoundaryArn: '',
      },
    ]);
    expect(service.watched).toEqual([{ org: 'your-org', setupUid: 'setup-1' }]);
  });

  test('every option reaches the server', async () => {
    const { service, connect } = await start(done);
    const options = ['--capabilities', 'eks,vpc_networking, EKS', '--region', 'eu-west-1', '--reconnect'];
    const boundary = 'arn:aws:iam::123456789012:policy/teams/boundary';
    const { code, stderr } = await connect([
      ...tutorial,
      ...options,
      ...['--callback', 'never', '--permissions-boundary', boundary, '--no-browser', '--timeout', '1h'],
    ]);
    expect(code).toBe(0);
    expect(stderr).not.toContain('for want of');
    expect(service.begun).toMatchObject([
      {
        region: 'eu-west-1',
        capabilities: [AwsCapability.EKS, AwsCapability.VPC_NETWORKING],
        reconnect: true,
        callback: AwsTrustCallback.NEVER,
        permissionsBoundaryArn: boundary,
      },
    ]);
  });

  test('the organisation of the context does where none is typed', async () => {
    const { service, connect } = await start(done);
    await connect(['--name', 'a', '--account-id', '123456789012', '--callback', 'always']);
    expect(service.begun).toMatchObject([{ org: 'another-org', callback: AwsTrustCallback.ALWAYS }]);
  });
});

describe('progress without a terminal', () => {
  test('is a line with every change, which says what is waited for', async () => {
    const attempt = { attempts: 1, nextAttemptTime: timestampFromDate(new Date('2026-03-01T12:00:20Z')) };
    const { connect } = await start({
      changes: [
        attempt,
        { ...attempt, attempts: 2 },
        { wait: AwsTrustSetupWait.ROLE },
        { ...verifying, causes: [cause('SLOW', 'IAM is slow', 'wait')] },
        { wait: AwsTrustSetupWait.STACK, message: '', causes: [] },
        { wait: AwsTrustSetupWait.PLATFORM },
        completed,
      ],
    });
    const { stderr } = await connect(tutorial);
    const at = '2026-03-01T12:00:00.000Z';
    expect(stderr.split('\n').filter((line) => line.startsWith(at))).toEqual([
      `${at} pending, waiting for the callback of the stack; meanwhile the server tries the role by itself · observed: the role is not there yet`,
      `${at} pending, waiting for the role to let the server in, which tries it by itself; no callback is expected · observed: the role is not there yet`,
      `${at} verifying, waiting for AWS to make the role known everywhere (propagating) · observed: the stack has made the role · cause: SLOW: IAM is slow · hint: wait`,
      `${at} verifying, waiting for the stack to be complete`,
      `${at} verifying, waiting for the platform runner, or AWS, to answer`,
      `${at} completed · observed: the role was verified`,
    ]);
  });
});

describe('a set-up that is not completed', () => {
  test('that failed: what was observed, every cause with what to do about it, and exit code 6', async () => {
    const { connect } = await start({ changes: [verifying, failed] });
    const { code, stdout, stderr } = await connect([...tutorial, '--no-browser']);
    expect(code).toBe(6);
    expect(stdout.split('\n').slice(1, 2)).toEqual(['set-up      failed']);
    expect(stdout.split('\n').slice(7)).toEqual([
      'observed    AccessDenied',
      'cause 1     TRUST_POLICY: the role does not trust us',
      'hint        look at its trust policy',
      'cause 2     EXTERNAL_ID: another external ID is asked for',
      '',
    ]);
    expect(stderr).toContain(
      'error: the set-up failed; nothing was connected or changed\nhint: begin again with: planton connect aws --name prod-aws --org your-org --account-id 123456789012 --no-browser\n',
    );
  });

  test('that expired: exit code 6', async () => {
    const { connect } = await start({ changes: [{ state: AwsTrustSetupState.EXPIRED, wait: 0 }] });
    const { code, stdout, stderr } = await connect(tutorial);
    expect(code).toBe(6);
    expect(stdout).toContain('set-up      expired');
    expect(stderr).toContain('error: the set-up expired');
  });

  test('in time: exit code 7, and the command that waits again', async () => {
    const { connect } = await start({ changes: [{}], open: true });
    const options = ['--no-browser', '--reconnect', '--capabilities', 'eks,ecs', '--timeout', '0s'];
    const { code, stdout, stderr } = await connect([...tutorial, ...options]);
    expect({ code, stdout }).toEqual({ code: 7, stdout: '' });
    expect(stderr).toContain(
      'error: prod-aws is not connected after 0s\nhint: the set-up goes on by itself until 2026-03-02T12:00:00Z; wait for it with: planton connect aws --name prod-aws --org your-org --account-id 123456789012 --capabilities eks,ecs --reconnect --no-browser\n',
    );
  });

  test.each([
    [Code.FailedPrecondition, 5, 'the server has no platform principal', 'start it with --aws-principal ARN'],
    [Code.AlreadyExists, 5, 'a connection of this name exists', 'replace its role with --reconnect'],
    [Code.PermissionDenied, 4, 'you may not', ''],
  ])(
    'because the server refuses it (%i): before any browser opens',
    async (code, exitCode, message, hint) => {
      const { service, connect, home } = await start(done);
      const browser = fakeProgram(home, 'my-browser');
      service.refusal = refusal(code, message, { hint });
      const outcome = await connect(tutorial, { env: { BROWSER: 'my-browser', PATH: browser.path } });
      expect(outcome).toMatchObject({ code: exitCode, stdout: '' });
      expect(outcome.stderr).toMatch(new RegExp(`^error: ${message}\n`));
      expect(outcome.stderr).toContain(hint);
      expect({ started: browser.started(), watched: service.watched }).toEqual({
        started: undefined,
        watched: [],
      });
    },
  );
});

describe('what is wrong with the command is said before the server is asked', () => {
  test.each([
    [['--capabilities', 'eks,ekss'], 'unknown capability ekss', 'did you mean `eks`?'],
    [['--capabilities', 's3-storge'], 'unknown capability s3-storge', 'did you mean `s3_storage`?'],
    [['--capabilities', 'rds'], 'unknown capability rds', 'did you mean `rds_database`?'],
    [
      ['--capabilities', 'unspecified'],
      'unknown capability unspecified',
      `the capabilities are ${everyCapability}`,
    ],
    [['--capabilities', ' ,'], '--capabilities is empty', 'or leave it out for all'],
    [['--account-id', '1234-5678-9012'], '--account-id: holds hyphens', 'the AWS console'],
    [['--account-id', '12345678901'], '--account-id: 11 digits given', 'the AWS console'],
    [['--region', 'us-weast-2'], '--region: is not an AWS region; did you mean us-', 'us-west-2'],
    [['--region', ''], '--region: is empty', 'us-west-2'],
    [['--name', ' '], '--name is empty', '--name prod-aws'],
    [['--org', ''], '--org is empty', 'leave --org out'],
    [['--permissions-boundary', ''], '--permissions-boundary: is empty', 'policy/boundary'],
    [
      ['--permissions-boundary', 'arn:aws:iam::123456789012:role/a'],
      '--permissions-boundary: is not the ARN of a managed policy',
      '',
    ],
    [['--callback', 'sometimes'], 'Allowed choices are auto, always, never', ''],
    [['--no-stack', '--callback', 'never'], '--callback is about the stack', 'leave --callback out'],
    [['-o', 'json', '--callback', 'always'], '--callback is about the stack', 'leave --callback out'],
    [['-o', 'yaml', '--timeout', '5m'], '--timeout goes without', 'leave --timeout out'],
    [['--timeout', 'soon'], 'that is no duration', '12h'],
  ])('%j', async (args, message, hint) => {
    const { service, connect } = await start(done);
    const { code, stdout, stderr } = await connect([...tutorial, ...args]);
    expect({ code, stdout, begun: service.begun }).toEqual({ code: 2, stdout: '', begun: [] });
    expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });

  test.each(['--name', '--account-id'])('%s is required', async (flag) => {
    const { connect } = await start(done);
    const args = tutorial.filter((_, index) => tutorial[index] !== flag && tutorial[index - 1] !== flag);
    const { code, stderr } = await connect(args);
    expect(code).toBe(2);
    expect(stderr).toContain(`required option '${flag}`);
  });
});

describe('a set-up that was open already', () => {
  test('is said to be, and opens the link again while nothing was heard of the role', async () => {
    const { service, connect } = await start(done);
    service.answer = { resumed: true };
    const { stderr } = await connect(tutorial);
    expect(stderr).toMatch(/^still connecting account 123456789012 as prod-aws;/);
    expect(stderr).toContain(quickCreateUrl);
  });

  test('whose role is there needs no stack any more', async () => {
    const { service, connect, home } = await start(done);
    const browser = fakeProgram(home, 'my-browser');
    service.answer = { resumed: true };
    service.setup = verifying;
    const { code, stderr } = await connect(tutorial, { env: { BROWSER: 'my-browser', PATH: browser.path } });
    expect({ code, started: browser.started() }).toEqual({ code: 0, started: undefined });
    expect(stderr).not.toContain('SETUP-TOKEN');
  });
});

describe('a hostile server', () => {
  const hostile = 'x\u001b]0;title\u0007\r\n\u009b2J';

  test.each([false, true])('cannot change the terminal (terminal: %j)', async (interactive) => {
    const everything = {
      message: hostile,
      connection: hostile,
      region: hostile,
      roleArn: hostile,
      accountId: hostile,
    };
    const change = { ...everything, externalIdSecret: hostile, causes: [cause(hostile, hostile, hostile)] };
    const { service, connect } = await start({
      changes: [change, { ...failed, ...change, stackId: hostile }],
    });
    service.setup = change;
    service.answer = { quickCreateUrl: `${quickCreateUrl}${hostile}`, parameters: { [hostile]: hostile } };
    const { code, stdout, stderr } = await connect([...tutorial, '--no-browser'], { interactive });
    expect(code).toBe(6);
    for (const text of ['\u001b]', '\u0007', '\r\n', '\u009b']) expect(stdout + stderr).not.toContain(text);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may come through
    if (!interactive) expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout).toContain('2J');
  });

  test('that answers without a set-up is said to be no server of ours', async () => {
    const { url } = await serve(() => undefined);
    const { code } = await cliAt(url).cli(['connect', 'aws', ...tutorial]);
    expect(code).toBe(1);
  });
});

test('help says what there is', async () => {
  const { cli } = await start();
  expect((await cli(['connect', '--help'])).stdout).toContain('aws');
  const { stdout } = await cli(['connect', 'aws', '--help']);
  for (const flag of [
    '--name',
    '--account-id',
    '--region',
    '--capabilities',
    '--reconnect',
    '--no-browser',
    '--org',
  ])
    expect(stdout).toContain(flag);
  expect(stdout).toContain(`Capabilities: ${everyCapability}.`);
});
