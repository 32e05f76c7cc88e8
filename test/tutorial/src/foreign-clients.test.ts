import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import { type Platform, runProgram, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsConnectionManifest, TUTORIAL_ACCESS_KEY_ID, TUTORIAL_SECRET_ACCESS_KEY } from './manifests.ts';

// AWS clients that know nothing of Planton are given credentials by it, with decoys in every place that they search.

const DECOY = { accessKeyId: 'AKIADECOYDECOYDECOY0', secretAccessKey: 'D'.repeat(40) };
const node = join(import.meta.dirname, '../../../node_modules/.bin/node');
const javascript = [node, join(import.meta.dirname, 'call-sts.ts')];
const python = ['python3', '/usr/bin/python3'].find(
  (program) => spawnSync(program, ['-c', 'import boto3'], { stdio: 'ignore' }).status === 0,
);
// The endpoint is given by hand: releases of boto3 before 1.28 do not read it from the environment.
const boto3 = [
  python ?? 'python3',
  '-c',
  [
    'import boto3, os',
    'sts = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL_STS"])',
    'print(sts.get_caller_identity()["Arn"])',
  ].join('; '),
];

let platform: Platform;
let simulator: AwsSimulator;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  simulator = await startAwsSimulator({
    accounts: [
      {
        id: '123456789012',
        users: [
          {
            name: 'planton',
            accessKeys: [
              { accessKeyId: TUTORIAL_ACCESS_KEY_ID, secretAccessKey: TUTORIAL_SECRET_ACCESS_KEY },
            ],
          },
        ],
      },
      { id: '999999999999', users: [{ name: 'decoy', accessKeys: [DECOY] }] },
    ],
  });
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'your-org');
  await platform.planton('secret', 'set', 'aws-access-key-id', `value=${TUTORIAL_ACCESS_KEY_ID}`);
  await platform.planton('secret', 'set', 'aws-secret-access-key', `value=${TUTORIAL_SECRET_ACCESS_KEY}`);
  const { code, stderr } = await platform.cli(['apply', '-f', '-'], { input: awsConnectionManifest });
  if (code !== 0) throw new Error(stderr);
  await platform.planton(
    'connection',
    'default',
    'set',
    '--provider',
    'aws',
    '--connection',
    'my-aws-connection',
  );

  const aws = join(platform.home, '.aws');
  mkdirSync(aws, { recursive: true });
  const profile = `aws_access_key_id = ${DECOY.accessKeyId}\naws_secret_access_key = ${DECOY.secretAccessKey}\n`;
  writeFileSync(join(aws, 'credentials'), `[default]\n${profile}[other]\n${profile}`);
  writeFileSync(join(aws, 'config'), `[default]\nregion = eu-north-1\n${profile}`);
  env = {
    ...platform.env,
    AWS_ACCESS_KEY_ID: DECOY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: DECOY.secretAccessKey,
    AWS_SESSION_TOKEN: 'decoy',
    AWS_PROFILE: 'other',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent',
    AWS_ROLE_ARN: 'arn:aws:iam::999999999999:role/decoy',
    AWS_ENDPOINT_URL_STS: simulator.url,
  };
}, 90_000);
afterAll(async () => {
  await platform?.stop();
  await simulator?.stop();
});

const clients = [
  { name: 'the AWS SDK for JavaScript', command: javascript, present: true },
  { name: 'boto3', command: boto3, present: python !== undefined },
];

describe.each(clients)('$name', ({ command, present }) => {
  test.skipIf(!present).each(['endpoint', 'env'])('through exec --inject %s', async (inject) => {
    const { code, stdout, stderr } = await platform.cli(
      ['connection', 'exec', '--inject', inject, '--', ...command],
      { env },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('rror') });
    expect(stdout.trim()).toBe('arn:aws:iam::123456789012:user/planton');
  });

  test.skipIf(!present)('through credential_process', async () => {
    const config = join(platform.home, `credential-process-${command.length}`);
    const planton = join(import.meta.dirname, '../../../bin/planton');
    writeFileSync(
      config,
      `[profile planton]\nregion = us-west-2\ncredential_process = ${planton} connection credentials --provider aws -o credential-process\n`,
    );
    const [program = '', ...args] = command;
    const { code, stdout, stderr } = await runProgram(program, args, {
      env: {
        ...platform.env,
        AWS_CONFIG_FILE: config,
        AWS_PROFILE: 'planton',
        AWS_ENDPOINT_URL_STS: simulator.url,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      },
    });
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim()).toBe('arn:aws:iam::123456789012:user/planton');
  });
});

test('no call was signed by a decoy', () => {
  expect(JSON.stringify(simulator.requests())).not.toContain(DECOY.accessKeyId);
});

test('exec passes on the exit code of its child, and a signal', async () => {
  const exec = (...command: string[]) => platform.cli(['connection', 'exec', '--', ...command], { env });
  expect((await exec('sh', '-c', 'exit 42')).code).toBe(42);
  expect((await exec('sh', '-c', 'kill -TERM $$')).code).toBe(143);
});

test('the environment of the child holds no token of Planton and no decoy', async () => {
  const { stdout } = await platform.cli(['connection', 'exec', '--', 'env'], {
    env: { ...env, PLANTON_API_KEY: platform.ownerKey() },
  });
  expect(stdout).not.toContain(platform.ownerKey());
  expect(stdout).not.toContain('DECOY');
  expect(stdout).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:');
});
