import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AwsSimulator } from '../server/simulator.ts';
import { startAwsSimulator } from '../server/start-simulator.ts';
import {
  CUSTOMER_ACCOUNT,
  EXTERNAL_ID,
  PLATFORM_ROLE,
  ROLE_ACCOUNTS,
  TRUSTS_RUNNER,
  TRUSTS_USER,
} from '../testing/roles.ts';
import { KEY } from '../testing/sign-request.ts';

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What the clocks of simulator and client are ahead, in milliseconds. */
let offset = 0;
let simulator: AwsSimulator;
beforeAll(async () => {
  simulator = await startAwsSimulator({
    accounts: ROLE_ACCOUNTS,
    now: () => new Date(Date.now() + offset),
  });
});
afterAll(() => simulator.stop());
beforeEach(() => simulator.replaceAccounts(ROLE_ACCOUNTS));
afterEach(() => {
  offset = 0;
});

async function using<Answer>(credentials: Key, ask: (client: STSClient) => Promise<Answer>): Promise<Answer> {
  const client = new STSClient({
    region: 'us-west-2',
    endpoint: simulator.url,
    credentials,
    maxAttempts: 1,
    systemClockOffset: offset,
  });
  return ask(client).finally(() => client.destroy());
}

function assume(input: Partial<AssumeRoleCommandInput> = {}, credentials: Key = KEY) {
  const command = new AssumeRoleCommand({ RoleArn: TRUSTS_USER, RoleSessionName: 'planton', ...input });
  return using(credentials, (client) => client.send(command));
}

function identify(credentials: Key) {
  return using(credentials, (client) => client.send(new GetCallerIdentityCommand({})));
}

/** The credentials of an answer, as a client takes them. */
async function keyOf(answer: ReturnType<typeof assume>): Promise<Key> {
  const { Credentials: issued } = await answer;
  if (!issued?.AccessKeyId || !issued.SecretAccessKey || !issued.SessionToken)
    throw new Error('no credentials');
  return {
    accessKeyId: issued.AccessKeyId,
    secretAccessKey: issued.SecretAccessKey,
    sessionToken: issued.SessionToken,
  };
}

describe('a caller whom the role trusts', () => {
  test('is given credentials that work for an hour', async () => {
    const before = Date.now();
    const answer = await assume({ ExternalId: EXTERNAL_ID });
    const arn = `arn:aws:sts::${CUSTOMER_ACCOUNT}:assumed-role/TrustsUser/planton`;
    expect(answer.AssumedRoleUser?.Arn).toBe(arn);
    expect(answer.AssumedRoleUser?.AssumedRoleId).toMatch(/^AROA[A-Z2-7]{17}:planton$/);
    const { Credentials: issued } = answer;
    expect(issued?.AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(issued?.SecretAccessKey).toMatch(/^[A-Za-z0-9/+]{40}$/);
    expect(issued?.SessionToken?.length).toBeGreaterThan(300);
    const lifetime = Number(issued?.Expiration) - before;
    expect(lifetime).toBeGreaterThan(3_590_000);
    expect(lifetime).toBeLessThanOrEqual(3_600_000 + (Date.now() - before));

    expect(await identify(await keyOf(Promise.resolve(answer)))).toMatchObject({
      Account: CUSTOMER_ACCOUNT,
      Arn: arn,
      UserId: answer.AssumedRoleUser?.AssumedRoleId,
    });
  });

  test('is given others at every call', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => keyOf(assume({ ExternalId: EXTERNAL_ID }))),
    );
    expect(new Set(answers.map((each) => JSON.stringify(each))).size).toBe(20);
  });

  test('may go on from role to role', async () => {
    const platform = await keyOf(assume({ RoleArn: PLATFORM_ROLE, RoleSessionName: 'i-1' }));
    const customer = await keyOf(assume({ RoleArn: TRUSTS_RUNNER, ExternalId: EXTERNAL_ID }, platform));
    expect((await identify(customer)).Arn).toContain('assumed-role/TrustsRunner/planton');
  });
});

describe('is denied, always in the same words', () => {
  const USER = 'arn:aws:iam::123456789012:user/deployer';

  test.each<[string, { RoleArn?: string; ExternalId?: string; DurationSeconds?: number }]>([
    ['without an external ID', {}],
    ['with a wrong one', { ExternalId: 'another' }],
    ['with a shortened one', { ExternalId: EXTERNAL_ID.slice(0, -1) }],
    ['with an extended one', { ExternalId: `${EXTERNAL_ID}x` }],
    ['with one in another case', { ExternalId: EXTERNAL_ID.toUpperCase() }],
    ['a role that trusts another', { RoleArn: TRUSTS_RUNNER, ExternalId: EXTERNAL_ID }],
    ['a role that is not there', { RoleArn: `${TRUSTS_USER}2`, ExternalId: EXTERNAL_ID }],
    ['a role by another path', { RoleArn: PLATFORM_ROLE.replace('/planton/', '/') }],
    ['a role of another partition', { RoleArn: TRUSTS_USER.replace('arn:aws:', 'arn:aws-cn:') }],
    ['too long a session, which is not told before', { ExternalId: 'another', DurationSeconds: 43_200 }],
  ])('%s', async (_, input) => {
    await expect(assume(input)).rejects.toMatchObject({
      name: 'AccessDenied',
      $metadata: { httpStatusCode: 403 },
      message: `User: ${USER} is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn ?? TRUSTS_USER}`,
    });
  });

  test('tags and a source identity need permissions of their own', async () => {
    const input = { ExternalId: EXTERNAL_ID };
    await expect(assume({ ...input, Tags: [{ Key: 'org', Value: 'acme' }] })).rejects.toThrow(
      'not authorized to perform: sts:TagSession on resource',
    );
    await expect(assume({ ...input, SourceIdentity: 'acme' })).rejects.toThrow(
      'not authorized to perform: sts:SetSourceIdentity on resource',
    );
    const allowed = { RoleArn: PLATFORM_ROLE, Tags: [{ Key: 'org', Value: 'acme' }], SourceIdentity: 'acme' };
    expect(await assume(allowed)).toMatchObject({ SourceIdentity: 'acme' });
  });
});

describe('how long', () => {
  const input = { ExternalId: EXTERNAL_ID };

  test('from a quarter of an hour to what the role allows', async () => {
    for (const DurationSeconds of [900, 7_200]) {
      const { Credentials: issued } = await assume({ ...input, DurationSeconds });
      const lifetime = Number(issued?.Expiration) - Date.now();
      expect(Math.abs(lifetime - DurationSeconds * 1_000)).toBeLessThan(30_000);
    }
    await expect(assume({ ...input, DurationSeconds: 7_201 })).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    });
    await expect(assume({ ...input, DurationSeconds: 899 })).rejects.toThrow('greater than or equal to 900');
    await expect(assume({ ...input, DurationSeconds: 43_201 })).rejects.toThrow(
      'less than or equal to 43200',
    );
  });

  test('an hour at most from role to role', async () => {
    const platform = await keyOf(
      assume({ RoleArn: PLATFORM_ROLE, RoleSessionName: 'i-1', DurationSeconds: 43_200 }),
    );
    const chained = { RoleArn: TRUSTS_RUNNER, ExternalId: EXTERNAL_ID };
    expect((await assume({ ...chained, DurationSeconds: 3_600 }, platform)).Credentials).toBeDefined();
    await expect(assume({ ...chained, DurationSeconds: 3_601 }, platform)).rejects.toMatchObject({
      name: 'ValidationError',
      message:
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    });
  });
});

describe('credentials end', () => {
  const expired = {
    name: 'ExpiredToken',
    message: 'The security token included in the request is expired',
    $metadata: { httpStatusCode: 403 },
  };

  test('when their time has come', async () => {
    const key = await keyOf(assume({ ExternalId: EXTERNAL_ID, DurationSeconds: 900 }));
    offset = 14 * 60_000;
    expect((await identify(key)).Account).toBe(CUSTOMER_ACCOUNT);
    offset = 15 * 60_000;
    await expect(identify(key)).rejects.toMatchObject(expired);
    expect(simulator.requests().at(-1)).toMatchObject({ status: 403, code: 'ExpiredToken' });
  });

  test('when the test says so, and new ones work', async () => {
    const key = await keyOf(assume({ ExternalId: EXTERNAL_ID }));
    simulator.expireSessions();
    await expect(identify(key)).rejects.toMatchObject(expired);
    expect((await identify(KEY)).Arn).toContain(':user/deployer');
    expect((await identify(await keyOf(assume({ ExternalId: EXTERNAL_ID })))).Account).toBe(CUSTOMER_ACCOUNT);
  });

  test('with their role', async () => {
    const key = await keyOf(assume({ ExternalId: EXTERNAL_ID }));
    simulator.replaceAccounts(ROLE_ACCOUNTS.map((account) => ({ ...account, roles: [] })));
    await expect(identify(key)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });

  test('and are of no use with another token, or without one', async () => {
    const key = await keyOf(assume({ ExternalId: EXTERNAL_ID }));
    const other = await keyOf(assume({ ExternalId: EXTERNAL_ID }));
    const { accessKeyId, secretAccessKey } = key;
    const { sessionToken } = other;
    const invalid = { name: 'InvalidClientTokenId' };
    await expect(identify({ accessKeyId, secretAccessKey })).rejects.toMatchObject(invalid);
    await expect(identify({ ...key, ...(sessionToken && { sessionToken }) })).rejects.toMatchObject(invalid);
  });
});

describe('refuses what STS refuses before it looks at a role', () => {
  const DENY_ALL = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
  });

  test.each([
    [
      'a short name',
      { RoleSessionName: 'x' },
      'ValidationError',
      "'roleSessionName' failed to satisfy constraint",
    ],
    ['a name with a space', { RoleSessionName: 'a b' }, 'ValidationError', "'roleSessionName' failed"],
    ['a long name', { RoleSessionName: 'x'.repeat(65) }, 'ValidationError', "'roleSessionName' failed"],
    ['a short external ID', { ExternalId: 'x' }, 'ValidationError', "'externalId' failed"],
    ['an external ID with a space', { ExternalId: 'a b' }, 'ValidationError', "'externalId' failed"],
    ['what is no ARN', { RoleArn: 'a-role-of-some-account' }, 'ValidationError', 'Request ARN is invalid'],
    [
      'what is no role',
      { RoleArn: 'arn:aws:iam::444455556666:user/ann' },
      'ValidationError',
      'Request ARN is invalid',
    ],
    ['a short ARN', { RoleArn: 'arn:aws:iam' }, 'ValidationError', "'roleArn' failed"],
    [
      'a policy that is none',
      { Policy: '{}' },
      'MalformedPolicyDocumentException',
      'Syntax errors in policy.',
    ],
    ['a long policy', { Policy: DENY_ALL.padEnd(2_049) }, 'ValidationError', "'policy' failed"],
    [
      'a device',
      { SerialNumber: 'GAHT12345678', TokenCode: '123456' },
      'AccessDenied',
      'MultiFactorAuthentication',
    ],
    [
      'a tag twice',
      {
        Tags: [
          { Key: 'a', Value: '1' },
          { Key: 'A', Value: '2' },
        ],
      },
      'ValidationError',
      'Duplicate tag keys found',
    ],
  ])('%s', async (_, input, name, message) => {
    const refused = assume({ ExternalId: EXTERNAL_ID, ...input });
    await expect(refused).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });

  test('a session policy is taken, its size told and its text recorded', async () => {
    const answer = await assume({ ExternalId: EXTERNAL_ID, Policy: DENY_ALL });
    expect(answer.PackedPolicySize).toBe(Math.round((DENY_ALL.length / 2_048) * 100));
    expect(simulator.requests().at(-1)?.assumeRole?.policy).toBe(DENY_ALL);
  });
});

test('what was asked for is on the record, granted or denied, and nothing secret is', async () => {
  const input = {
    RoleArn: PLATFORM_ROLE,
    RoleSessionName: 'org.acme',
    ExternalId: 'not-asked-for',
    DurationSeconds: 1_200,
    PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }],
    SourceIdentity: 'acme',
    Tags: [{ Key: 'org', Value: 'acme' }],
    TransitiveTagKeys: ['org'],
  };
  const key = await keyOf(assume(input));
  expect(simulator.requests().at(-1)).toMatchObject({
    action: 'AssumeRole',
    status: 200,
    callerArn: 'arn:aws:iam::123456789012:user/deployer',
    assumeRole: {
      roleArn: PLATFORM_ROLE,
      roleSessionName: 'org.acme',
      durationSeconds: 1_200,
      externalId: 'not-asked-for',
      policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
      sourceIdentity: 'acme',
      tags: new Map([['org', 'acme']]),
      transitiveTagKeys: ['org'],
    },
  });
  await expect(assume({ ExternalId: 'wrong' })).rejects.toThrow('not authorized');
  expect(simulator.requests().at(-1)).toMatchObject({
    status: 403,
    code: 'AccessDenied',
    assumeRole: { roleArn: TRUSTS_USER, externalId: 'wrong', durationSeconds: 3_600 },
  });
  await identify(key);
  const everything = JSON.stringify(simulator.requests());
  for (const secret of [key.secretAccessKey, key.sessionToken, KEY.secretAccessKey]) {
    expect(everything).not.toContain(secret);
  }
});
