import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import { createPlanton, type Planton } from '@planton/client';
import { readCredentials } from '@planton/enrolment';
import { type Platform, type RunnerProcess, startPlatform, startRunner } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodings, findLeaks, findLeaksInFiles } from './find-leaks.ts';
import { awsManifest } from './manifest.ts';
import { listProcesses } from './measure-process.ts';
import { createToken, ORG } from './prepare-runners.ts';

// Keys travel to the platform runner in frames, enrolment tokens and private keys stay where they belong: unique ones go through
// everything at the most talkative log level, then every byte that was written, and every process, is searched for them.

const canary = (length: number) => `Canary${randomBytes(length).toString('hex')}`.slice(0, length);
/** Kept by the platform as secrets, and given to the platform runner in frames. */
const stored = { key: canary(40), wrongKey: canary(40), unreachableKey: canary(40) };
/** The runner's own, in its environment. */
const own = { runnerKey: canary(40) };
/** Filled in as they are made. */
const enrolment: Record<string, string> = {};
const KEY_ID = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`;
const RUNNER_KEY_ID = `AKIA${randomBytes(8).toString('hex').toUpperCase()}`;

let platform: Platform;
let planton: Planton;
let aws: AwsSimulator;
let runner: RunnerProcess;
let transcript = '';
const home = () => join(platform.home, 'runner-home');

beforeAll(async () => {
  const keysOf = (accessKeyId: string, secretAccessKey: string) => [{ accessKeyId, secretAccessKey }];
  aws = await startAwsSimulator({
    accounts: [
      {
        id: '123456789012',
        users: [
          { name: 'planton', accessKeys: keysOf(KEY_ID, stored.key) },
          { name: 'runner', accessKeys: keysOf(RUNNER_KEY_ID, own.runnerKey) },
        ],
      },
    ],
  });
  platform = await startPlatform({ logLevel: 'debug', env: { AWS_ENDPOINT_URL_STS: aws.url } });
  planton = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await planton.identity.createOrganization({ slug: ORG });
  await platform.signInAsOwner();
  await platform.cli(['context', 'set', '--org', ORG]);
  enrolment.token = await createToken(planton, 'own');
  enrolment.unusedToken = await createToken(planton, 'own');
  runner = await startRunner(platform, {
    args: ['--log-level', 'debug'],
    env: {
      PLANTON_CONFIG_HOME: home(),
      PLANTON_RUNNER_TOKEN: enrolment.token,
      AWS_ACCESS_KEY_ID: RUNNER_KEY_ID,
      AWS_SECRET_ACCESS_KEY: own.runnerKey,
      AWS_ENDPOINT_URL_STS: aws.url,
    },
  });
  const { privateKey } = await readCredentials(join(home(), 'org', ORG, 'runner', 'own', 'credentials.json'));
  enrolment.privateKey = privateKey.split('\n')[1] ?? '';
}, 120_000);
afterAll(async () => {
  await runner?.end('SIGTERM');
  await platform?.stop();
  await aws?.stop();
});

/** Runs a command and keeps what it answered. */
const run = async (args: string[], input?: string) => {
  const result = await platform.cli(args, input === undefined ? {} : { input });
  transcript += `${result.stdout}${result.stderr}`;
  return result;
};
const verify = async (name: string) => (await run(['connection', 'verify', name, '-o', 'json'])).stdout;

test('keys go through verifications that succeed, fail, and do not get an answer', async () => {
  for (const [slug, value] of [
    ['key-id', KEY_ID],
    ['key', stored.key],
    ['wrong', stored.wrongKey],
    ['unreachable', stored.unreachableKey],
  ] as const)
    await planton.config.setSecret({ org: ORG, slug, entries: { value } });
  for (const [name, key] of [
    ['works', 'key'],
    ['refused', 'wrong'],
    ['lost', 'unreachable'],
  ] as const) {
    const { code, stderr } = await run(
      ['apply', '-f', '-'],
      awsManifest(name, { secret_access_key: `{ secret: ${key} }` }),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
  const byRunner = awsManifest('by-runner', {})
    .replace(/ {2}access_key_id.*\n {2}secret_access_key.*\n/, '')
    .replace('spec:\n', 'spec:\n  auth_mode: runner\n  runner: own\n');
  expect((await run(['apply', '-f', '-'], byRunner)).code).toBe(0);

  expect(await verify('works')).toContain('arn:aws:iam::123456789012:user/planton');
  expect(await verify('refused')).toMatch(/refused/i);
  aws.fail('disconnect', Number.POSITIVE_INFINITY);
  expect(await verify('lost')).toMatch(/inconclusive/i);
  aws.heal();
  expect(await verify('by-runner')).toContain('arn:aws:iam::123456789012:user/runner');
}, 120_000);

test('what the operations show holds no secret', async () => {
  const { operations } = await planton.runners.listOperations({ org: ORG });
  expect(operations.length).toBeGreaterThanOrEqual(4);
  expect(new Set(operations.map(({ runner: on }) => on))).toEqual(new Set(['', 'own']));
  for (const { uid } of operations) {
    await run(['operation', 'get', uid, '-o', 'json']);
    const shown = await planton.runners.getOperation({ org: ORG, operationUid: uid });
    transcript += JSON.stringify(shown, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  }
  for (const args of [
    ['operation', 'list', '-o', 'json'],
    ['runner', 'list', '-o', 'json'],
    ['runner', 'get', 'own', '-o', 'json'],
    ['runner', 'token', 'list', 'own', '-o', 'json'],
    ['get', 'AwsProviderConnection', 'refused', '-o', 'json'],
    ['audit', 'list', '-o', 'json'],
  ])
    expect(await run(args)).toMatchObject({ code: 0 });
  expect(transcript.length).toBeGreaterThan(5_000);
  expect(
    findLeaks({ ...stored, ...own, ...enrolment }, Buffer.from(transcript), 'what commands showed'),
  ).toEqual([]);
}, 60_000);

test('no process holds a secret in its arguments or environment, but the runner its own', async () => {
  const processes = await listProcesses();
  const holders = (secret: string) =>
    processes.filter(({ command }) => command.includes(secret)).map(({ pid }) => pid);
  for (const secret of Object.values(stored)) expect(holders(secret)).toEqual([]);
  for (const name of ['unusedToken', 'privateKey']) expect(holders(enrolment[name] ?? name)).toEqual([]);
  // The search finds what is there.
  expect(holders(own.runnerKey)).toEqual([runner.pid]);
  expect(holders(enrolment.token ?? 'token')).toEqual([runner.pid]);
});

test('no log holds a secret', () => {
  for (const [log, where] of [
    [platform.log(), 'the log of the server and of the platform runner'],
    [runner.log(), 'the log of the runner'],
  ] as const) {
    expect(log.length).toBeGreaterThan(1_000);
    expect(findLeaks({ ...stored, ...own, ...enrolment }, Buffer.from(log), where)).toEqual([]);
  }
  expect(platform.log()).toContain('"service":"runner"');
});

test('no file of the server holds a secret, and none of the runner but its own key', async () => {
  expect(findLeaksInFiles({ ...stored, ...own, ...enrolment }, platform.home, ['credentials.json'])).toEqual(
    [],
  );
  const kept = readFileSync(join(home(), 'org', ORG, 'runner', 'own', 'credentials.json'));
  const { privateKey = '', ...tokens } = enrolment;
  expect(findLeaks({ ...stored, ...own, ...tokens }, kept, 'the credentials')).toEqual([]);
  expect(findLeaks({ privateKey }, kept, 'the credentials')).toHaveLength(1);

  // While it runs, what was erased may still be in its write-ahead log: encrypted then.
  expect(findLeaksInFiles({ ...stored, ...own, ...enrolment }, platform.dataDir)).toEqual([]);
  await platform.end('SIGTERM');
  expect(findLeaksInFiles({ ...stored, ...own, ...enrolment }, platform.dataDir)).toEqual([]);
});

test('the search finds what is there', () => {
  for (const encoded of encodings(stored.key)) {
    const haystack = Buffer.concat([Buffer.from('x\0'), encoded, Buffer.from('y')]);
    expect(findLeaks(stored, haystack, 'here')).toEqual(['key in here']);
  }
  for (const padding of ['', '1', '12'])
    expect(
      findLeaks(
        stored,
        Buffer.from(Buffer.from(`${padding}{"k":"${stored.key}"}`).toString('base64')),
        'here',
      ),
    ).toHaveLength(1);
});
