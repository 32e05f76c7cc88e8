import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import {
  connectAccount,
  inAws,
  type Platform,
  platformAccount,
  type RunnerProcess,
  startPlatform,
  startRunner,
} from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  awsConnectionManifest,
  RUNNER_ACCESS_KEY_ID,
  RUNNER_SECRET_ACCESS_KEY,
  runnerConnectionManifest,
  TUTORIAL_ACCESS_KEY_ID,
  TUTORIAL_SECRET_ACCESS_KEY,
  tutorialAccount,
} from './manifests.ts';
import { filesThatHold } from './search-files.ts';

// The commands are those of the tutorial, letter for letter; each test stands on the ones before it.

let aws: AwsSimulator;
let platform: Platform;
let runner: RunnerProcess | undefined;
let manifest: string;

beforeAll(async () => {
  aws = await startAwsSimulator({ accounts: [tutorialAccount, platformAccount] });
  platform = await startPlatform({ env: inAws(aws) });
  manifest = join(platform.home, '..', 'aws-connection.yaml');
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'your-org');
  await platform.planton('env', 'create', 'production');
}, 90_000);
afterAll(async () => {
  await runner?.end();
  await platform?.stop();
  await aws?.stop();
});

/** Types a line of the tutorial. */
const type = (line: string) => {
  const [program, ...args] = line.split(' ');
  expect(program).toBe('planton');
  return platform.planton(...args);
};

test('path A, steps 2 and 3: the keys become secrets of the organisation', async () => {
  await type('planton secret set aws-access-key-id value=AKIAIOSFODNN7EXAMPLE');
  await type('planton secret set aws-secret-access-key value=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
  const listed = await type('planton secret list');
  expect(listed).toContain('aws-access-key-id');
  expect(listed).toContain('aws-secret-access-key');
  expect(listed).not.toContain(TUTORIAL_SECRET_ACCESS_KEY);
});

test('path A, steps 4 and 5: the manifest is applied', async () => {
  writeFileSync(manifest, awsConnectionManifest);
  expect(await type('planton apply -f aws-connection.yaml')).toContain('my-aws-connection created');
  expect(await type('planton apply -f aws-connection.yaml')).toContain('unchanged');
});

test('path A, step 6: the connection shows slugs of secrets and no value', async () => {
  const shown = await type('planton get AwsProviderConnection my-aws-connection');
  expect(shown).toContain('secret: aws-access-key-id');
  expect(shown).toContain('secret: aws-secret-access-key');
  expect(shown).toContain('123456789012');
  expect(shown).not.toContain(TUTORIAL_ACCESS_KEY_ID);
  expect(shown).not.toContain(TUTORIAL_SECRET_ACCESS_KEY);
});

test('path A: the platform runner finds that the connection works', async () => {
  const shown = await type('planton connection verify my-aws-connection');
  expect(shown).toContain('arn:aws:iam::123456789012:user/planton');
  expect(await type('planton get AwsProviderConnection my-aws-connection')).toContain('outcome: verified');
});

/** Types `planton connect aws …` as the tutorial prints it, over several lines, and creates the stack that its link leads to. */
const connect = async (command: string) => {
  const [program, noun, verb, ...args] = command.replaceAll('\\\n', ' ').split(/\s+/);
  expect([program, noun, verb]).toEqual(['planton', 'connect', 'aws']);
  const connecting = connectAccount(platform, args);
  const stack = await aws.quickCreate(await connecting.link);
  const { code, stdout, stderr } = await connecting.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('error:') });
  return { stack: await aws.waitForStack(stack.stackId), stdout, stderr };
};

test('path B, steps 1 to 3: a stack makes the role, and the command tells of the connection', async () => {
  const { stack, stdout, stderr } = await connect(`planton connect aws \\
--name prod-aws \\
--org your-org \\
--account-id 123456789012`);
  expect(stack.status).toBe('CREATE_COMPLETE');
  expect(stack.resources.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['AWS::IAM::Role', 'AWS::Lambda::Function', 'AWS::IAM::RolePolicy']),
  );
  expect(stdout).toMatch(/arn:aws:iam::123456789012:role\/PlantonConnect-prod-aws-[0-9a-f]{8}/);
  expect(stdout).toContain('prod-aws-external-id');
  expect(stdout).toContain('eks, ecs, vpc_networking');
  expect(stderr).toContain('callback');
});

test('path B, step 1: capabilities limit what the role may do', async () => {
  const { stack, stdout } = await connect(`planton connect aws \\
--name limited-aws \\
--org your-org \\
--account-id 123456789012 \\
--capabilities eks,vpc_networking,s3_storage,ecr_registry`);
  expect(stdout).toContain('eks, vpc_networking, s3_storage, ecr_registry');
  const policies = stack.resources.filter(({ type }) => /^AWS::IAM::(RolePolicy|ManagedPolicy)$/.test(type));
  const names = policies.map(({ logicalId }) => logicalId).join(' ');
  for (const chosen of ['Eks', 'VpcNetworking', 'S3Storage', 'EcrRegistry']) expect(names).toContain(chosen);
  for (const other of ['Ecs', 'RdsDatabase', 'Lambda', 'Route53Dns', 'CloudWatch', 'Kms'])
    expect(names).not.toContain(other);
});

test('path B, step 4: the connection is ready to use', async () => {
  const shown = await type('planton get AwsProviderConnection prod-aws');
  expect(shown).toContain('auth_mode: cross_account_trust');
  expect(shown).toMatch(/iam_role_arn: arn:aws:iam::123456789012:role\/PlantonConnect-prod-aws-/);
  expect(shown).toContain('secret: prod-aws-external-id');
  expect(shown).toContain('outcome: verified');
  const session = await platform.planton('connection', 'exec', '--connection', 'prod-aws', '--', 'env');
  expect(session).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
  expect(await type('planton connection verify prod-aws')).toContain('kept out others');
});

test('path B behind NAT: without a callback the server finds the role by itself', async () => {
  const { stack, stderr } = await connect(
    'planton connect aws --name nat-aws --org your-org --account-id 123456789012 --callback never',
  );
  expect(stack.resources.map(({ type }) => type)).not.toContain('AWS::Lambda::Function');
  expect(stderr).toContain('which tries it by itself');
  expect(await type('planton get AwsProviderConnection nat-aws')).toContain('outcome: verified');
}, 120_000);

test('path C, step 1: a runner is registered, and its credentials are made where it will run', async () => {
  // Without a terminal the registration alone is made, and the next command is named.
  const { code, stderr } = await platform.cli(['runner', 'register', '--name', 'my-aws-runner']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('--yes') });
  await type('planton runner register --name my-aws-runner --yes');
  const file = join(platform.home, '.planton/org/your-org/runner/my-aws-runner/credentials.json');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ org: 'your-org', runner: 'my-aws-runner' });
});

test('path C, steps 2 and 3: the runner starts with an identity of its own', async () => {
  const env = {
    AWS_ACCESS_KEY_ID: RUNNER_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: RUNNER_SECRET_ACCESS_KEY,
    AWS_ENDPOINT_URL_STS: aws.url,
  };
  runner = await startRunner(platform, { env });
  expect(await type('planton runner list')).toMatch(/my-aws-runner.*online/);
});

test('path C, steps 4 to 6: the connection names the runner and no secret', async () => {
  writeFileSync(join(platform.home, '..', 'aws-runner-connection.yaml'), runnerConnectionManifest);
  expect(await type('planton apply -f aws-runner-connection.yaml')).toContain('aws-runner created');
  const shown = await type('planton get AwsProviderConnection aws-runner');
  expect(shown).toContain('auth_mode: runner');
  expect(shown).toContain('runner: my-aws-runner');
  expect(shown).not.toContain('secret');
});

test('path C: the runner answers for the account, and its credentials stay with it', async () => {
  const shown = await type('planton connection verify aws-runner');
  expect(shown).toContain('arn:aws:iam::123456789012:user/runner');
  const { code, stderr } = await platform.cli(['connection', 'credentials', '--connection', 'aws-runner']);
  expect(code).toBe(5);
  expect(stderr).toMatch(/^hint: /m);
  for (const secret of [RUNNER_ACCESS_KEY_ID, RUNNER_SECRET_ACCESS_KEY]) {
    expect(filesThatHold(platform.dataDir, secret)).toEqual([]);
    expect(platform.log()).not.toContain(secret);
    expect(runner?.log()).not.toContain(secret);
  }
});

test('path C: a runner that a connection uses cannot be deleted', async () => {
  const { code, stderr } = await platform.cli(['runner', 'delete', 'my-aws-runner']);
  expect(code).toBe(5);
  expect(stderr).toContain('aws-runner');
});

test('what get prints can be applied and changes nothing', async () => {
  const shown = await type('planton get AwsProviderConnection my-aws-connection');
  const { code, stdout, stderr } = await platform.cli(['apply', '-f', '-'], { input: shown });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('unchanged');
  expect(await type('planton get AwsProviderConnection my-aws-connection')).toBe(shown);
});

test('defaults: the organisation, then an environment', async () => {
  await type('planton connection default set --provider aws --connection my-aws-connection');
  const second = readFileSync(manifest, 'utf8').replace('name: my-aws-connection', 'name: prod-aws');
  const { code, stderr } = await platform.cli(['apply', '-f', '-'], { input: second });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  await type('planton connection default set --provider aws --connection prod-aws --env production');
  const listed = await type('planton connection default list');
  expect(listed).toMatch(/my-aws-connection/);
  expect(listed).toMatch(/production.*prod-aws|prod-aws.*production/);
});

test('resolution goes from explicit to environment to organisation', async () => {
  const resolve = async (...args: string[]) =>
    JSON.parse(await platform.planton('connection', 'resolve', '-o', 'json', ...args));
  expect(await resolve()).toMatchObject({ connection: 'my-aws-connection', source: 'organization' });
  expect(await resolve('--env', 'production')).toMatchObject({
    connection: 'prod-aws',
    source: 'environment',
  });
  expect(await resolve('--env', 'production', '--connection', 'my-aws-connection')).toMatchObject({
    connection: 'my-aws-connection',
    source: 'explicit',
  });
  expect(await platform.planton('connection', 'resolve', '--env', 'production', '--explain')).toContain(
    'prod-aws',
  );
});

test('without any default the failure is clear', async () => {
  await platform.planton('connection', 'default', 'unset', '--provider', 'aws', '--env', 'production');
  await platform.planton('connection', 'default', 'unset', '--provider', 'aws');
  const { code, stderr } = await platform.cli(['connection', 'resolve', '--provider', 'aws']);
  expect(code).toBe(3);
  expect(stderr).toMatch(/^error: /m);
  expect(stderr).toMatch(/^hint: planton connection default set/m);
});
