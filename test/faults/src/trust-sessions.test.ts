import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Code } from '@connectrpc/connect';
import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton, type Planton } from '@planton/client';
import { runProgram } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectRefusal, refusalOf } from './refusal.ts';
import { REGION, startTrustRig, type TrustRig } from './start-trust-rig.ts';
import { waitUntil } from './wait-until.ts';

// Sessions of a role, from the request for credentials to what AWS sees of whoever uses them. The platform runner is a user, whose key
// does not end, so that all sessions can be ended at once.

const PLATFORM_ACCOUNT = '444455556666';
const KEY_ID = 'AKIA4444555566667777';
const SECRET_KEY = randomBytes(20).toString('hex');
const PROGRAM = join(import.meta.dirname, 'use-session.ts');
const MINUTE_MS = 60_000;
const clock: NodeJS.ProcessEnv = {
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'jump-clock.ts')}`,
  TEST_CLOCK_JUMP_MS: String(11 * MINUTE_MS),
};

let rig: TrustRig;
let connected: Awaited<ReturnType<TrustRig['connect']>>;

beforeAll(async () => {
  const user = { name: 'planton', accessKeys: [{ accessKeyId: KEY_ID, secretAccessKey: SECRET_KEY }] };
  rig = await startTrustRig({
    accounts: [{ id: PLATFORM_ACCOUNT, users: [user] }],
    env: {
      ...clock,
      PLANTON_AWS_PRINCIPAL: `arn:aws:iam::${PLATFORM_ACCOUNT}:user/planton`,
      AWS_ACCESS_KEY_ID: KEY_ID,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      AWS_SESSION_TOKEN: undefined,
    },
  });
  await rig.platform.planton('env', 'create', 'production');
  connected = await rig.connect('prod-aws');
}, 120_000);
afterAll(() => rig?.stop());

const org = { org: 'acme', connection: 'prod-aws' };
/** Sessions that were opened for somebody, and not to look at the role. */
const opened = (roleArn = connected.setup.roleArn) =>
  rig.aws
    .requests()
    .filter(({ assumeRole, status }) => assumeRole?.roleArn === roleArn && status === 200)
    .filter(({ assumeRole }) => !/^planton-(setup|verification)/.test(assumeRole?.roleSessionName ?? ''));
const deployer = async (name: string): Promise<Planton> => {
  const { key } = await rig.owner.identity.createApiKey({ org: 'acme', name, role: Role.DEPLOYER });
  return createPlanton({ server: rig.platform.url, apiKey: key });
};
/** What programs are told that use credentials in their environment. */
const useIn = async (
  issued: Awaited<ReturnType<Planton['connections']['issueCredentials']>>,
  ...lines: string[]
) => {
  const { accessKeyId = '', secretAccessKey = '', sessionToken = '' } = issued.credentials.value ?? {};
  const { stdout } = await runProgram(process.execPath, [PROGRAM], {
    input: `${lines.join('\n')}\n`,
    env: {
      PATH: process.env.PATH,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL: rig.aws.url,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    },
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

test('200 at once who are the same ask AWS once, and each is on record', async () => {
  const client = await deployer('crowd');
  const before = opened().length;
  const issued = await Promise.all(
    Array.from({ length: 200 }, () => client.connections.issueCredentials({ ...org, purpose: 'crowd' })),
  );
  expect(new Set(issued.map(({ credentials }) => credentials.value?.accessKeyId)).size).toBe(1);
  expect(opened().length - before).toBe(1);
  const { records } = await rig.owner.connections.listAuditRecords({
    org: 'acme',
    action: 'credentials.issue',
    pageSize: 1000,
  });
  expect(records.filter(({ purpose }) => purpose === 'crowd')).toHaveLength(200);
}, 60_000);

test('AWS sees whose session it is, in its tags and its source identity', async () => {
  const client = await deployer('builder');
  const issued = await client.connections.issueCredentials({ ...org, environment: 'production' });
  const [identity] = await useIn(issued, 'who');
  expect(identity.arn).toMatch(
    new RegExp(`^arn:aws:sts::123456789012:assumed-role/${connected.setup.roleName}/`),
  );
  const used = rig.aws.requests().findLast(({ action }) => action === 'GetCallerIdentity');
  expect(Object.fromEntries(used?.sessionTags ?? [])).toEqual({
    'planton:organization': 'acme',
    'planton:environment': 'production',
    'planton:connection': 'prod-aws',
    'planton:requester': expect.stringContaining('builder'),
  });
  expect(used?.sourceIdentity).toContain('builder');
}, 60_000);

test('a session policy narrows what the session may do, and is no key to the session of others', async () => {
  const policy = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
  };
  const { name } = connected.stack;
  const broad = await rig.owner.connections.issueCredentials(org);
  const narrow = await rig.owner.connections.issueCredentials({
    ...org,
    sessionPolicy: JSON.stringify(policy),
  });
  expect(await useIn(broad, name)).toEqual([{ status: 'CREATE_COMPLETE' }]);
  expect(await useIn(narrow, name)).toEqual([{ error: expect.stringMatching(/AccessDenied/) }]);
  expect(narrow.credentials.value?.accessKeyId).not.toBe(broad.credentials.value?.accessKeyId);
}, 60_000);

test('a program that outlives its session goes on: the SDK asks, and is given another', async () => {
  const args = [
    'connection',
    'exec',
    '--connection',
    'prod-aws',
    '--duration',
    '15m',
    '--',
    process.execPath,
    PROGRAM,
  ];
  const exec = spawn(join(import.meta.dirname, '../../../bin/planton'), args, {
    env: { ...rig.platform.env, ...clock, AWS_ENDPOINT_URL: rig.aws.url },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let written = '';
  let told = '';
  exec.stdout.on('data', (chunk: Buffer) => {
    written += chunk;
  });
  exec.stderr.on('data', (chunk: Buffer) => {
    told += chunk;
  });
  const ended = new Promise<number | null>((resolve) => exec.once('close', resolve));
  try {
    let lines = 0;
    const ask = async (line = 'who') => {
      exec.stdin.write(`${line}\n`);
      lines += 1;
      const all = await waitUntil('the answer', () => {
        const answered = written.split('\n').slice(0, -1);
        return answered.length >= lines && answered;
      });
      return JSON.parse(all[lines - 1] ?? '');
    };
    const first = await ask();
    expect(first).toEqual({
      arn: expect.stringContaining(connected.setup.roleName),
      accessKeyId: expect.any(String),
    });
    rig.aws.expireSessions();
    const { time } = await ask('time');
    rig.platform.process()?.kill('SIGUSR2');
    exec.kill('SIGUSR2');
    await waitUntil('the jump', async () => (await ask('time')).time - time >= 11 * MINUTE_MS);
    const second = await ask();
    expect({ ...second, told }).toEqual({ arn: first.arn, accessKeyId: expect.any(String), told });
    expect(second.accessKeyId).not.toBe(first.accessKeyId);
  } finally {
    exec.stdin.end();
  }
  expect(await ended).toBe(0);
}, 90_000);

test('a role that takes no tags gives a session all the same', async () => {
  const policy = JSON.parse(connected.trustPolicy);
  policy.Statement = policy.Statement.slice(0, 1);
  rig.aws.setTrustPolicy(connected.setup.roleArn, policy);
  const client = await deployer('untagged');
  const [identity] = await useIn(await client.connections.issueCredentials(org), 'who');
  expect(identity.arn).toContain(connected.setup.roleName);
  const used = rig.aws.requests().findLast(({ action }) => action === 'GetCallerIdentity');
  expect(Object.fromEntries(used?.sessionTags ?? [])).toEqual({});
  expect(used?.sourceIdentity ?? '').toBe('');
  rig.aws.setTrustPolicy(connected.setup.roleArn, JSON.parse(connected.trustPolicy));
}, 60_000);

test('a connection that is deleted gives no session from that moment on, open ones included', async () => {
  const client = await deployer('leaver');
  const doomed = await rig.connect('doomed');
  const ask = () => client.connections.issueCredentials({ org: 'acme', connection: 'doomed' });
  await ask();
  const before = opened(doomed.setup.roleArn).length;
  await rig.platform.planton('delete', 'aws', 'doomed');
  expect((await refusalOf(ask())).code).toBe(Code.NotFound);
  const exec = await rig.platform.cli(['connection', 'exec', '--connection', 'doomed', '--', 'true']);
  expectRefusal(exec, 3, /doomed/);
  expect(opened(doomed.setup.roleArn).length).toBe(before);
}, 60_000);
