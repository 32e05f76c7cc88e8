import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Role } from '../identities/identity.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';
import type { AwsSimulator } from '../server/simulator.ts';
import { startAwsSimulator } from '../server/start-simulator.ts';
import {
  CONNECTION_ACCOUNTS,
  CUSTOMER,
  EXTERNAL_ID,
  PLATFORM,
  REGION,
  RUNNER_ROLE,
} from '../testing/connection-template.ts';
import type { Key } from '../testing/stack-rig.ts';

const ROLE = `arn:aws:iam::${CUSTOMER}:role/Trusting`;

/** The trust policy of a connection: one statement for the role, one for what sessions say of themselves. */
const trust = (...statements: readonly Record<string, unknown>[]): PolicyDocument => {
  const Principal = { AWS: `arn:aws:iam::${PLATFORM}:root` };
  return {
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', Principal, ...statement })),
  };
};
const ArnEquals = { 'aws:PrincipalArn': RUNNER_ROLE };
const ASSUME = {
  Action: 'sts:AssumeRole',
  Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID }, ArnEquals },
};
const ATTRIBUTE = { Action: ['sts:TagSession', 'sts:SetSourceIdentity'], Condition: { ArnEquals } };
const TRUSTING: Role = { name: 'Trusting', trustPolicy: trust(ASSUME, ATTRIBUTE) };

/** What the simulator's clock is ahead, in milliseconds. */
let offset: number;
let simulator: AwsSimulator;
beforeEach(async () => {
  offset = 0;
  const now = () => new Date(Date.now() + offset);
  simulator = await startAwsSimulator({ accounts: CONNECTION_ACCOUNTS, now });
});
afterEach(() => simulator.stop());

function using<Answer>(credentials: Key, ask: (client: STSClient) => Promise<Answer>): Promise<Answer> {
  const client = new STSClient({ region: REGION, endpoint: simulator.url, credentials, maxAttempts: 1 });
  return ask(client).finally(() => client.destroy());
}

async function assume(
  input: Partial<AssumeRoleCommandInput> = {},
  runner: Key = simulator.issueSession(RUNNER_ROLE),
): Promise<Key> {
  const command = new AssumeRoleCommand({
    RoleArn: ROLE,
    RoleSessionName: 'planton',
    ExternalId: EXTERNAL_ID,
    ...input,
  });
  const { Credentials: issued } = await using(runner, (client) => client.send(command));
  return {
    accessKeyId: issued?.AccessKeyId ?? '',
    secretAccessKey: issued?.SecretAccessKey ?? '',
    sessionToken: issued?.SessionToken ?? '',
  };
}

const identify = (key: Key) => using(key, (client) => client.send(new GetCallerIdentityCommand({})));
const denied = { name: 'AccessDenied' };
const TAGS = [{ Key: 'planton:organization', Value: 'acme' }];

test('a session that was issued without a call is one of the role', async () => {
  const issued = simulator.issueSession(RUNNER_ROLE, 'runner-1');
  expect((await identify(issued)).Arn).toBe(`arn:aws:sts::${PLATFORM}:assumed-role/PlatformRunner/runner-1`);
  expect(Number(issued.expireTime)).toBeGreaterThan(Date.now() + 3_500_000);
  expect(() => simulator.issueSession(ROLE)).toThrow('cannot be found');
  expect(simulator.requests().map(({ action }) => action)).toEqual(['GetCallerIdentity']);
});

describe('a role that is made, changed and deleted', () => {
  test('is seen at once where nothing is said', async () => {
    await expect(assume()).rejects.toMatchObject(denied);
    expect(simulator.putRole(CUSTOMER, TRUSTING)).toBe(ROLE);
    const key = await assume();
    simulator.setTrustPolicy(ROLE, trust({ ...ASSUME, Condition: { ArnEquals } }));
    await assume({ ExternalId: undefined });
    expect((await identify(key)).Account).toBe(CUSTOMER);
    simulator.deleteRole(ROLE);
    await expect(assume()).rejects.toMatchObject(denied);
    await expect(identify(key)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });

  test('is seen late when that is said', async () => {
    simulator.propagationDelay(100_000);
    simulator.putRole(CUSTOMER, TRUSTING);
    await expect(assume()).rejects.toMatchObject(denied);
    offset = 100_000;
    const key = await assume();
    simulator.deleteRole(ROLE);
    expect((await identify(key)).Account).toBe(CUSTOMER);
    await assume();
    offset = 200_000;
    await expect(assume()).rejects.toMatchObject(denied);
    await expect(identify(key)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    simulator.putRole(CUSTOMER, TRUSTING);
    await expect(assume()).rejects.toMatchObject(denied);
    simulator.heal();
    await assume();
  });

  test('and made again has other sessions than before', async () => {
    simulator.putRole(CUSTOMER, TRUSTING);
    const before = await assume();
    const { UserId: id } = await identify(before);
    simulator.deleteRole(ROLE);
    simulator.putRole(CUSTOMER, TRUSTING);
    await expect(identify(before)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    expect((await identify(await assume())).UserId).not.toBe(id);
  });

  test('is not made or changed where it is wrong', async () => {
    simulator.putRole(CUSTOMER, TRUSTING);
    expect(() => simulator.putRole(CUSTOMER, { ...TRUSTING, path: '/x/' })).toThrow('already exists');
    expect(() => simulator.setTrustPolicy(ROLE, {})).toThrow('Version is not 2012-10-17');
    expect(() => simulator.putRole('999999999999', TRUSTING)).toThrow('there is no account 999999999999');
    expect(() => simulator.deleteRole(`${ROLE}2`)).toThrow('cannot be found');
    await assume();
  });
});

describe('the trust policy of a connection', () => {
  beforeEach(() => void simulator.putRole(CUSTOMER, TRUSTING));

  test('allows the runner with the external ID, and what its sessions say of themselves', async () => {
    const key = await assume({ Tags: TAGS, SourceIdentity: 'acme' });
    await identify(key);
    expect(simulator.requests().at(-1)).toMatchObject({
      action: 'GetCallerIdentity',
      sourceIdentity: 'acme',
      sessionTags: new Map([['planton:organization', 'acme']]),
    });
    await identify(await assume());
    expect(simulator.requests().at(-1)).not.toHaveProperty('sessionTags');
    expect(simulator.requests().at(-1)).not.toHaveProperty('sourceIdentity');
  });

  test.each<[string, Partial<AssumeRoleCommandInput>]>([
    ['no external ID', { ExternalId: undefined }],
    ['a shorter one', { ExternalId: EXTERNAL_ID.slice(1) }],
    ['a longer one', { ExternalId: `${EXTERNAL_ID}f` }],
    ['one in another case', { ExternalId: EXTERNAL_ID.toUpperCase() }],
  ])('denies %s, with tags and without', async (_, input) => {
    await expect(assume(input)).rejects.toMatchObject(denied);
    await expect(assume({ ...input, Tags: TAGS, SourceIdentity: 'acme' })).rejects.toMatchObject(denied);
  });

  test('denies another role and a user of the account that it names', async () => {
    const other = simulator.putRole(PLATFORM, { ...TRUSTING, name: 'Other' });
    await expect(assume({}, simulator.issueSession(other))).rejects.toMatchObject(denied);
    const [, platform] = CONNECTION_ACCOUNTS;
    const key = platform?.users[0]?.accessKeys[0];
    await expect(assume({}, key)).rejects.toMatchObject(denied);
    const imitation = simulator.putRole(CUSTOMER, { ...TRUSTING, name: 'PlatformRunner', path: '/planton/' });
    await expect(assume({}, simulator.issueSession(imitation))).rejects.toMatchObject(denied);
  });

  test('needs a statement for everything that is asked for', async () => {
    simulator.setTrustPolicy(ROLE, trust(ASSUME));
    await assume();
    await expect(assume({ Tags: TAGS })).rejects.toThrow('sts:TagSession');
    await expect(assume({ SourceIdentity: 'acme' })).rejects.toThrow('sts:SetSourceIdentity');
    simulator.setTrustPolicy(ROLE, trust(ASSUME, { ...ATTRIBUTE, Action: 'sts:TagSession' }));
    await assume({ Tags: TAGS });
    await expect(assume({ Tags: TAGS, SourceIdentity: 'acme' })).rejects.toThrow('sts:SetSourceIdentity');
    simulator.setTrustPolicy(ROLE, trust(ATTRIBUTE));
    await expect(assume({ Tags: TAGS })).rejects.toThrow('sts:AssumeRole');
  });
});

test('from role to role a source identity stays, and so do tags that are transitive', async () => {
  const anybody = trust({ Action: 'sts:*', Principal: '*' });
  const first = simulator.putRole(CUSTOMER, { name: 'First', trustPolicy: anybody });
  const second = simulator.putRole(CUSTOMER, { name: 'Second', trustPolicy: anybody });
  const Tags = [...TAGS, { Key: 'other', Value: 'x' }];
  const chained = await assume({
    RoleArn: first,
    Tags,
    TransitiveTagKeys: ['planton:organization'],
    SourceIdentity: 'acme',
  });
  await identify(await assume({ RoleArn: second, Tags: [{ Key: 'own', Value: 'y' }] }, chained));
  expect(simulator.requests().at(-1)).toMatchObject({
    sourceIdentity: 'acme',
    sessionTags: new Map([
      ['own', 'y'],
      ['planton:organization', 'acme'],
    ]),
  });
  await expect(assume({ RoleArn: second, SourceIdentity: 'other' }, chained)).rejects.toMatchObject(denied);
});
