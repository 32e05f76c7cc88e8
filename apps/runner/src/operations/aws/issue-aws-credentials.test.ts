import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { OperationErrorKind } from '@planton/api/runner/v1/operation';
import { describe, expect, test } from 'vitest';
import { carryOut, errorOf, outputOf } from '../../testing/carry-out.ts';
import { refusal, sessionOf, useQueryServers } from '../../testing/start-query-server.ts';
import {
  ACCOUNT,
  accountsOf,
  EXTERNAL_ID,
  OTHER_ACCOUNT,
  ROLE,
  TAGGING,
  TRUST,
  useAws,
} from '../../testing/use-aws.ts';
import { useRunner } from '../../testing/use-runner.ts';

const aws = useAws();
const rig = useRunner();
const startServer = useQueryServers();
const tagged = { tags: { 'planton:connection': 'a' }, sourceIdentity: 'alice' };

async function issue(role: object = {}) {
  const { kem } = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const keys = await kem.generateKeyPair();
  const value = {
    accountId: ACCOUNT,
    region: 'us-west-2',
    role: { roleArn: ROLE, externalId: EXTERNAL_ID, sessionName: 'planton', ...role },
  };
  const resultPublicKey = new Uint8Array(await kem.serializePublicKey(keys.publicKey));
  return (await carryOut(rig(), { case: 'issueAwsCredentials', value }, { platform: true, resultPublicKey }))
    .result;
}
const asked = () =>
  aws()
    .simulator.requests()
    .flatMap(({ assumeRole }) => assumeRole ?? []);

describe('tags and source identity', () => {
  test('are sent in the one request that there is', async () => {
    aws().signInAsRunner();
    aws().simulator.replaceAccounts(accountsOf([TRUST, TAGGING]));
    expect(outputOf(await issue(tagged), 'issueAwsCredentials').tagged).toBe(true);
    expect(aws().simulator.requests()).toHaveLength(1);
    expect(asked()).toMatchObject([{ sourceIdentity: 'alice', durationSeconds: 3_600 }]);
    expect([...(asked()[0]?.tags ?? [])]).toEqual([['planton:connection', 'a']]);
  });

  test('are left out where the role does not take them, and that is said', async () => {
    aws().signInAsRunner();
    expect(outputOf(await issue(tagged), 'issueAwsCredentials').tagged).toBe(false);
    expect(asked().map(({ tags, sourceIdentity }) => [tags.size, sourceIdentity])).toEqual([
      [1, 'alice'],
      [0, undefined],
    ]);
  });

  test('a session that was to have none has none', async () => {
    aws().signInAsRunner();
    expect(outputOf(await issue(), 'issueAwsCredentials').tagged).toBe(false);
    expect(aws().simulator.requests()).toHaveLength(1);
  });

  test('the denial without them is the one that is reported', async () => {
    aws().signInAsRunner();
    aws().simulator.replaceAccounts(accountsOf([{ ...TRUST, Principal: { AWS: ACCOUNT } }, TAGGING]));
    const error = errorOf(await issue(tagged));
    expect(error).toMatchObject({ kind: OperationErrorKind.AUTHENTICATION, reason: 'AWS_REFUSED' });
    expect(error.hint).toContain('planton connect aws --reconnect');
    expect(asked()).toHaveLength(2);
  });
});

describe('the duration', () => {
  const twelveHours = { duration: { seconds: 43_200n } };

  test('is what was asked for where the role allows it', async () => {
    aws().signInAsRunner();
    aws().simulator.replaceAccounts(accountsOf([TRUST], { maxSessionDuration: 43_200 }));
    outputOf(await issue(twelveHours), 'issueAwsCredentials');
    expect(asked().map(({ durationSeconds }) => durationSeconds)).toEqual([43_200]);
  });

  test('is an hour where it does not, with and without tags', async () => {
    aws().signInAsRunner();
    outputOf(await issue(twelveHours), 'issueAwsCredentials');
    expect(asked().map(({ durationSeconds }) => durationSeconds)).toEqual([43_200, 3_600]);
    expect(outputOf(await issue({ ...twelveHours, ...tagged }), 'issueAwsCredentials').tagged).toBe(false);
    expect(asked().map(({ durationSeconds }) => durationSeconds)).toEqual([
      43_200, 3_600, 43_200, 43_200, 3_600,
    ]);
  });

  test('is no more than an hour from the start where the runner has a session itself', async () => {
    const hub = { Effect: 'Allow', Principal: { AWS: OTHER_ACCOUNT }, Action: 'sts:AssumeRole' };
    const roles = [{ name: 'Hub', trustPolicy: { Version: '2012-10-17', Statement: [hub] } }];
    aws().simulator.replaceAccounts(accountsOf([TRUST], { maxSessionDuration: 43_200 }, roles));
    aws().signInAsRunner();
    process.env.AWS_ROLE_ARN = `arn:aws:iam::${OTHER_ACCOUNT}:role/Hub`;
    const { STSClient, AssumeRoleCommand } = await import('@aws-sdk/client-sts');
    const { Credentials } = await new STSClient({ region: 'us-west-2' }).send(
      new AssumeRoleCommand({ RoleArn: process.env.AWS_ROLE_ARN, RoleSessionName: 'platform' }),
    );
    delete process.env.AWS_ROLE_ARN;
    process.env.AWS_ACCESS_KEY_ID = Credentials?.AccessKeyId;
    process.env.AWS_SECRET_ACCESS_KEY = Credentials?.SecretAccessKey;
    process.env.AWS_SESSION_TOKEN = Credentials?.SessionToken;
    outputOf(await issue(twelveHours), 'issueAwsCredentials');
    expect(asked().map(({ durationSeconds }) => durationSeconds)).toEqual([3_600, 3_600]);
  });

  test('a shorter one is asked for as it is', async () => {
    aws().signInAsRunner();
    outputOf(await issue({ duration: { seconds: 900n } }), 'issueAwsCredentials');
    expect(asked().map(({ durationSeconds }) => durationSeconds)).toEqual([900]);
  });
});

describe('what is asked for too much', () => {
  test.each([
    ['PackedPolicyTooLarge', 400],
    ['MalformedPolicyDocument', 400],
  ])('%s is no failure of the connection', async (code, status) => {
    aws().signInAsRunner();
    const server = await startServer(() => refusal(code, 'of the policy', status));
    process.env.AWS_ENDPOINT_URL_STS = server.url;
    const error = errorOf(await issue(tagged));
    expect(error).toMatchObject({
      kind: OperationErrorKind.INVALID,
      reason: 'SESSION_POLICY_REFUSED',
      causes: [],
    });
    expect(error.message).toContain(code);
    expect(server.requests).toHaveLength(1);
  });

  test('no answer makes it ask for ever', async () => {
    aws().signInAsRunner();
    const tooLong = refusal(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration',
      400,
    );
    const server = await startServer((parameters) =>
      parameters.has('SourceIdentity') ? refusal('AccessDenied', 'sts:TagSession') : tooLong,
    );
    process.env.AWS_ENDPOINT_URL_STS = server.url;
    const error = errorOf(await issue({ ...tagged, duration: { seconds: 7_200n } }));
    expect(error).toMatchObject({ kind: OperationErrorKind.AUTHENTICATION, reason: 'AWS_REFUSED' });
    expect(server.requests.map((request) => request.get('DurationSeconds'))).toEqual([
      '7200',
      '7200',
      '3600',
    ]);
  });

  test('what the session of a role is comes from AWS alone', async () => {
    aws().signInAsRunner();
    const server = await startServer((parameters) => sessionOf(parameters));
    process.env.AWS_ENDPOINT_URL_STS = server.url;
    const result = await issue();
    expect(outputOf(result, 'issueAwsCredentials').arn).toBe(
      `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonRole/planton`,
    );
    expect(Buffer.from(result.sealedOutput?.ciphertext ?? []).includes('canary')).toBe(false);
  });
});
