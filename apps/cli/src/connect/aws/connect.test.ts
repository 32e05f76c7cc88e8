import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AwsCapability } from '@planton/api/connect/v1/aws_provider_connection';
import { AwsTrustSetupState, AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { AwsTrustCallback } from '@planton/api/connect/v1/connection_service';
import { describe, expect, test } from 'vitest';
import { fakeProgram } from '../../testing/fake-program.ts';
import { cliAt, type Setting } from '../../testing/run-cli.ts';
import { Code, refusal, serve } from '../../testing/serve.ts';
import {
  cause,
  completed,
  failed,
  quickCreateUrl,
  type SetupStream,
  stackId,
  trustSetupService,
  verifying,
} from '../../testing/trust-setups.ts';

const done: SetupStream = { changes: [completed] };
const tutorial = ['--name', 'prod-aws', '--org', 'your-org', '--account-id', '123456789012'];

async function start(...streams: SetupStream[]) {
  const service = trustSetupService(...streams);
  const { url } = await serve(service.routes);
  const { cli, home } = cliAt(url);
  const connect = (args: readonly string[], { env, ...setting }: Setting = {}) =>
    cli(['connect', 'aws', ...args], { ...setting, env: { PLANTON_ORG: 'another-org', ...env } });
  return { service, connect, home, url, cli };
}

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

describe('the browser', () => {
  test('is given the link in a file, which is removed afterwards', async () => {
    const { service, connect, home } = await start();
    const browser = fakeProgram(home, 'my-browser');
    service.streams.push({ ...done, when: () => browser.started() !== undefined });
    const { code, stderr, stdout } = await connect(tutorial, {
      env: { BROWSER: 'my-browser', PATH: browser.path },
    });
    expect(code).toBe(0);
    expect(browser.started()?.page).toContain('SETUP-TOKEN');
    expect(browser.started()?.args.join()).not.toContain('SETUP-TOKEN');
    expect(readdirSync(join(home, 'config/browser'))).toEqual([]);
    expect(stderr).toContain('opened the AWS console in your browser');
    expect(stderr + stdout).not.toContain('SETUP-TOKEN');
  });

  test('that shows nothing is made up for at a terminal, where the link is written, too', async () => {
    const { connect, home } = await start(done);
    const browser = fakeProgram(home, 'my-browser');
    const setting = { env: { BROWSER: 'my-browser', PATH: browser.path }, interactive: true };
    const { stderr } = await connect(tutorial, setting);
    expect(stderr).toContain('if it does not show, open this link; it is for you alone:');
    expect(stderr.split('\n')).toContain(quickCreateUrl);
  });

  test.each([
    ['--no-browser', ['--no-browser'], {}, 'it is for you alone:'],
    ['an SSH session', [], { SSH_CONNECTION: 'x', DISPLAY: ':0' }, '(this is an SSH session)'],
    ['no terminal', [], { DISPLAY: ':0' }, '(nobody sits at a terminal)'],
    ['a browser that is not there', [], { BROWSER: 'no-such-browser' }, '(no browser could be started)'],
  ])('%s: the link is alone in its line', async (_, args, env, reason) => {
    const { connect } = await start(done);
    const { code, stderr, stdout } = await connect([...tutorial, ...args], { env });
    expect(code).toBe(0);
    expect(stderr).toContain(reason);
    expect(stderr.split('\n')).toContain(quickCreateUrl);
    expect(stdout).not.toContain('SETUP-TOKEN');
  });

  test('that is not there can be done without: the stack is made by commands for a shell', async () => {
    const { service, connect, home, url } = await start(done);
    const parameters = { RoleName: "it's $HOME", ExternalId: 'EXTERNAL-ID', EnableEks: 'true' };
    service.answer = { parameters };
    const { stderr } = await connect([...tutorial, '--no-browser']);
    const [, commands = ''] = stderr.split('or make the stack with the AWS CLI:\n\n');
    const [script = ''] = commands.split('\n\n');
    const fake = (name: string) => `${name}() { printf '%s|' ${name} "$@"; echo; };`;
    const shell = spawnSync('sh', ['-c', `${fake('curl')}${fake('aws')}\n${script}`], { cwd: home });
    expect(shell.stdout.toString().split('\n')).toEqual([
      `curl|-fsS|-o|planton-connect.yaml|${url}/aws/cloudformation-template.yaml|`,
      "aws|cloudformation|deploy|--stack-name|planton-connect-prod-aws-1a2b3c4d|--region|us-west-2|--template-file|planton-connect.yaml|--capabilities|CAPABILITY_NAMED_IAM|--parameter-overrides|RoleName=it's $HOME|ExternalId=EXTERNAL-ID|EnableEks=true|",
      '',
    ]);
    expect(script).not.toContain('SETUP-TOKEN');
  });

  test.each(['javascript:alert(1)', 'file:///etc/passwd', 'SETUP-TOKEN', ''])(
    'is not given %j',
    async (link) => {
      const { service, connect, home } = await start(done);
      const browser = fakeProgram(home, 'my-browser');
      service.answer = { quickCreateUrl: link };
      const { code, stderr } = await connect(tutorial, {
        env: { BROWSER: 'my-browser', PATH: browser.path },
      });
      expect({ code, started: browser.started() }).toEqual({ code: 1, started: undefined });
      expect(stderr).toContain('error: the server sent no link that a browser can open\n');
      expect(stderr).not.toContain(link || 'https:');
    },
  );
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

describe('a role that is made without the stack', () => {
  test('is described as JSON, and nothing is waited for', async () => {
    const { service, connect } = await start(done);
    const args = ['--permissions-boundary', 'arn:aws:iam::123456789012:policy/b', '--capabilities', 'eks'];
    const { code, stdout, stderr } = await connect([...tutorial, ...args, '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      setup_uid: 'setup-1',
      connection: 'prod-aws',
      account_id: '123456789012',
      region: 'us-west-2',
      capabilities: ['eks'],
      role: {
        name: 'PlantonConnect-prod-aws-1a2b3c4d',
        arn: 'arn:aws:iam::123456789012:role/PlantonConnect-prod-aws-1a2b3c4d',
        principal_arn: 'arn:aws:iam::999999999999:role/platform',
        external_id: 'EXTERNAL-ID',
        trust_policy: { Version: '2012-10-17', Statement: [] },
        policies: [{ name: 'eks', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow' }] } }],
        max_session_duration: 3600,
        permissions_boundary_arn: 'arn:aws:iam::123456789012:policy/b',
      },
      expire_time: '2026-03-02T12:00:00Z',
    });
    expect(stderr).toContain('by itself as soon as the role is there');
    expect(stderr).toContain(
      'wait for it with: planton connect aws --name prod-aws --org your-org --account-id 123456789012 --capabilities eks --permissions-boundary arn:aws:iam::123456789012:policy/b --no-stack\n',
    );
    expect(stderr).not.toContain('EXTERNAL-ID');
    expect(service.begun).toMatchObject([{ withoutStack: true }]);
    expect(service.watched).toEqual([]);
  });

  test('is described as YAML that keeps text text', async () => {
    const { connect } = await start(done);
    const { stdout } = await connect([...tutorial, '-o', 'yaml']);
    expect(stdout).toContain('account_id: "123456789012"\n');
    expect(stdout).toContain('  trust_policy:\n    Version: "2012-10-17"\n');
    expect(stdout).not.toContain('permissions_boundary_arn');
  });

  test('is waited for with --no-stack, which says how it has to be', async () => {
    const { service, connect } = await start(done);
    const { code, stdout, stderr } = await connect([...tutorial, '--no-stack']);
    expect(code).toBe(0);
    expect(service.begun).toMatchObject([{ withoutStack: true }]);
    expect(stderr).toContain(
      'make the role arn:aws:iam::123456789012:role/PlantonConnect-prod-aws-1a2b3c4d as this describes it: planton connect aws --name prod-aws --org your-org --account-id 123456789012 -o json\n',
    );
    expect(stderr).toContain('waiting for the role to let the server in');
    expect(stdout + stderr).not.toMatch(/EXTERNAL-ID|SETUP-TOKEN/);
  });

  test.each(['{', '"text"', 'null', 'EXTERNAL-ID'])(
    'that is described by %j is refused',
    async (trustPolicy) => {
      const { service, connect } = await start(done);
      const role = {
        name: 'a',
        arn: 'b',
        principalArn: '',
        externalId: '',
        policies: [],
        maxSessionDuration: 1,
      };
      service.answer = { role: { ...role, trustPolicy, permissionsBoundaryArn: '' } as never };
      const { code, stdout, stderr } = await connect([...tutorial, '-o', 'json']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).not.toContain('EXTERNAL-ID');
    },
  );
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
