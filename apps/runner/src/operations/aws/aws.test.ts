import type { webcrypto } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  type AwsAuthenticationSchema,
  IssuedAwsCredentialsSchema,
  OperationErrorKind,
} from '@planton/api/runner/v1/operation';
import { type Result, ResultSchema } from '@planton/api/runner/v1/session';
import { describe, expect, test } from 'vitest';
import {
  outputOf as anyOutputOf,
  type CarriedOut,
  carryOut,
  errorOf,
  expectNoSecret,
} from '../../testing/carry-out.ts';
import {
  ACCOUNT,
  ACCOUNT_KEY,
  EXTERNAL_ID,
  OTHER_ACCOUNT,
  ROLE,
  RUNNER_KEY,
  useAws,
} from '../../testing/use-aws.ts';
import { useRunner } from '../../testing/use-runner.ts';

const aws = useAws();
const rig = useRunner();
const region = 'us-west-2';

type Method = NonNullable<MessageInitShape<typeof AwsAuthenticationSchema>['method']>;
const ownIdentity: Method = { case: 'defaultChain', value: {} };
const accessKey: Method = { case: 'accessKey', value: ACCOUNT_KEY };
const role: Method = {
  case: 'role',
  value: { roleArn: ROLE, externalId: EXTERNAL_ID, sessionName: 'planton' },
};

/** Has one operation carried out and answers its result, with all steps. */
async function verify(
  method: Method,
  options: { readonly accountId?: string; readonly platform?: boolean } = {},
): Promise<CarriedOut> {
  return carryOut(
    rig(),
    {
      case: 'verifyAwsAccess',
      value: { accountId: options.accountId ?? ACCOUNT, region, authentication: { method } },
    },
    options,
  );
}

const outputOf = (result: Result) => anyOutputOf(result, 'verifyAwsAccess');

describe('verifying access', () => {
  test('with the identity of the place where the runner runs', async () => {
    aws().signInAsRunner();
    const { result, steps } = await verify(ownIdentity, { accountId: OTHER_ACCOUNT });
    expect(outputOf(result)).toMatchObject({
      verdict: AwsAccessVerdict.VERIFIED,
      accountId: OTHER_ACCOUNT,
      arn: `arn:aws:iam::${OTHER_ACCOUNT}:user/runner`,
      causes: [],
    });
    expect(steps).toEqual([
      'looking for the AWS identity of the runner: running',
      'looking for the AWS identity of the runner: passed',
      'asking STS in us-west-2 who the caller is: running',
      `asking STS in us-west-2 who the caller is: passed - arn:aws:iam::${OTHER_ACCOUNT}:user/runner`,
      `comparing the account: passed - AWS answered for account ${OTHER_ACCOUNT}`,
    ]);
  });

  test('with an access key of the frame, which no other identity stands in for', async () => {
    aws().signInAsRunner();
    const { result } = await verify(accessKey);
    expect(outputOf(result)).toMatchObject({
      verdict: AwsAccessVerdict.VERIFIED,
      arn: `arn:aws:iam::${ACCOUNT}:user/deployer`,
    });
  });

  test('with a role that the runner assumes', async () => {
    aws().signInAsRunner();
    const { result } = await verify(role);
    expect(outputOf(result)).toMatchObject({
      verdict: AwsAccessVerdict.VERIFIED,
      accountId: ACCOUNT,
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonRole/planton`,
    });
    const asked = aws()
      .simulator.requests()
      .find(({ action }) => action === 'AssumeRole');
    expect(asked).toMatchObject({ assumeRole: { externalId: EXTERNAL_ID, durationSeconds: 3_600 } });
  });

  test('tells the wrong account from the right one', async () => {
    const { result, steps } = await verify(accessKey, { accountId: OTHER_ACCOUNT });
    expect(outputOf(result)).toMatchObject({
      verdict: AwsAccessVerdict.REFUSED,
      accountId: ACCOUNT,
      causes: [{ code: AwsAccessCauseCode.WRONG_ACCOUNT }],
    });
    expect(steps.at(-1)).toContain('comparing the account: failed');
  });

  test.each([
    [
      'an unknown key',
      { ...ACCOUNT_KEY, accessKeyId: 'AKIAUNKNOWNUNKNOWNUN' },
      AwsAccessCauseCode.UNKNOWN_KEY,
    ],
    ['a wrong secret', { ...ACCOUNT_KEY, secretAccessKey: 'x'.repeat(40) }, AwsAccessCauseCode.WRONG_SECRET],
  ])('names %s as the first cause', async (_, value, code) => {
    const { result, steps } = await verify({ case: 'accessKey', value });
    const output = outputOf(result);
    expect(output.verdict).toBe(AwsAccessVerdict.REFUSED);
    expect(output.causes[0]).toMatchObject({ code });
    expect(output.observation).not.toBe('');
    expect(steps.at(-1)).toContain('asking STS in us-west-2 who the caller is: failed');
  });

  test('says what may be wrong with a role, without choosing what cannot be seen', async () => {
    aws().signInAsRunner();
    const { result } = await verify({ ...role, value: { ...role.value, externalId: 'another-external-id' } });
    const output = outputOf(result);
    expect(output.verdict).toBe(AwsAccessVerdict.REFUSED);
    expect(output.causes.map(({ code }) => code)).toEqual(
      expect.arrayContaining([AwsAccessCauseCode.TRUST_POLICY, AwsAccessCauseCode.EXTERNAL_ID]),
    );
    expect(
      aws()
        .simulator.requests()
        .filter(({ action }) => action === 'AssumeRole'),
    ).toHaveLength(1);
  });

  test('finds that there is no identity', async () => {
    const { result } = await verify(ownIdentity);
    expect(outputOf(result)).toMatchObject({
      verdict: AwsAccessVerdict.REFUSED,
      causes: [{ code: AwsAccessCauseCode.NO_CREDENTIALS }],
    });
  });

  test.each([
    ['throttling', AwsAccessCauseCode.THROTTLED],
    ['disconnect', AwsAccessCauseCode.UNREACHABLE],
    ['service_unavailable', AwsAccessCauseCode.UNREACHABLE],
  ] as const)('is inconclusive where AWS answers with %s', async (fault, code) => {
    aws().simulator.fail(fault, Number.POSITIVE_INFINITY);
    const { result } = await verify(accessKey);
    expect(outputOf(result)).toMatchObject({ verdict: AwsAccessVerdict.INCONCLUSIVE, causes: [{ code }] });
  });

  test('is inconclusive where nothing listens', async () => {
    await aws().simulator.stop();
    const { result } = await verify(accessKey);
    expect(outputOf(result)).toMatchObject({
      verdict: AwsAccessVerdict.INCONCLUSIVE,
      causes: [{ code: AwsAccessCauseCode.UNREACHABLE }],
    });
  });

  test('is tried again by the SDK where a fault passes', async () => {
    aws().simulator.fail('throttling', 2);
    expect(outputOf((await verify(accessKey)).result).verdict).toBe(AwsAccessVerdict.VERIFIED);
  });

  test('ends when it is cancelled, while AWS does not answer', async () => {
    aws().simulator.delay(60_000);
    const { gateway, start } = rig();
    await start();
    const session = await gateway.session(0);
    session.assign('op', {
      case: 'verifyAwsAccess',
      value: { accountId: ACCOUNT, region, authentication: { method: accessKey } },
    });
    await session.frame('output');
    session.send({ case: 'cancel', value: { attempt: { operationUid: 'op', attempt: 1 } } });
    expect((await session.result('op')).outcome.case).toBe('cancelled');
  });

  test('reads a file of credentials again once AWS refuses what it held', async () => {
    const folder = join(aws().folder, '.aws');
    const file = join(folder, 'credentials');
    const store = ({ accessKeyId, secretAccessKey }: typeof RUNNER_KEY) =>
      writeFileSync(
        file,
        `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`,
      );
    mkdirSync(folder);
    store({ ...RUNNER_KEY, secretAccessKey: 'y'.repeat(40) });
    const { gateway, start } = rig();
    let passed = 0;
    await start({ monotonic: () => performance.now() + passed });
    const session = await gateway.session(0);
    const ask = (uid: string) =>
      session.assign(uid, {
        case: 'verifyAwsAccess',
        value: { accountId: OTHER_ACCOUNT, region, authentication: { method: ownIdentity } },
      });
    ask('before');
    expect(outputOf(await session.result('before')).verdict).toBe(AwsAccessVerdict.REFUSED);
    store(RUNNER_KEY);
    // What was read is kept until AWS refuses it once more, and is not looked for at every refusal.
    ask('too soon');
    expect(outputOf(await session.result('too soon')).verdict).toBe(AwsAccessVerdict.REFUSED);
    passed = 60_000;
    ask('after');
    expect(outputOf(await session.result('after')).verdict).toBe(AwsAccessVerdict.VERIFIED);
  });
});

describe('the platform runner', () => {
  test('lends its own identity to nobody', async () => {
    aws().signInAsRunner();
    const { result } = await verify(ownIdentity, { platform: true });
    expect(errorOf(result)).toMatchObject({
      kind: OperationErrorKind.REFUSED,
      reason: 'DEFAULT_CHAIN_REFUSED',
    });
    expect(aws().simulator.requests()).toEqual([]);
  });

  test('assumes no role without an external ID', async () => {
    aws().signInAsRunner();
    const bare: Method = { ...role, value: { ...role.value, externalId: '' } };
    expect(errorOf((await verify(bare, { platform: true })).result)).toMatchObject({
      kind: OperationErrorKind.REFUSED,
      reason: 'EXTERNAL_ID_REQUIRED',
    });
    expect(aws().simulator.requests()).toEqual([]);
  });

  test('verifies a role with one, and an access key', async () => {
    aws().signInAsRunner();
    expect(outputOf((await verify(role, { platform: true })).result).verdict).toBe(AwsAccessVerdict.VERIFIED);
    expect(outputOf((await verify(accessKey, { platform: true })).result).verdict).toBe(
      AwsAccessVerdict.VERIFIED,
    );
  });
});

describe('issuing credentials', () => {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });

  async function issue(
    input: { readonly accountId?: string; readonly externalId?: string; readonly roleArn?: string } = {},
    options: {
      readonly platform?: boolean;
      readonly resultPublicKey?: Uint8Array;
      readonly attempt?: number;
    } = {},
  ) {
    const keys = await suite.kem.generateKeyPair();
    const publicKey = new Uint8Array(await suite.kem.serializePublicKey(keys.publicKey));
    const { gateway, start } = rig();
    await start({ platform: options.platform ?? false });
    const session = await gateway.session(gateway.sessions.length);
    session.assign(
      'op',
      {
        case: 'issueAwsCredentials',
        value: {
          accountId: input.accountId ?? ACCOUNT,
          region,
          role: {
            roleArn: input.roleArn ?? ROLE,
            externalId: input.externalId ?? EXTERNAL_ID,
            sessionName: 'planton',
            sessionPolicy:
              '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
            duration: { seconds: 900n },
          },
        },
      },
      { attempt: options.attempt ?? 1, resultPublicKey: options.resultPublicKey ?? publicKey },
    );
    const result = await session.result('op');
    expectNoSecret(JSON.stringify(toJson(ResultSchema, result)), rig().log.text());
    return { result, keys };
  }

  async function open(
    result: Result,
    privateKey: webcrypto.CryptoKey,
    additional: string,
  ): Promise<Uint8Array> {
    const { encapsulatedKey, ciphertext } = result.sealedOutput ?? {};
    const plaintext = await suite.open(
      {
        recipientKey: privateKey,
        enc: new Uint8Array(encapsulatedKey ?? []),
        info: new TextEncoder().encode('planton/operation-result/v1'),
      },
      new Uint8Array(ciphertext ?? []),
      new TextEncoder().encode(additional),
    );
    return new Uint8Array(plaintext);
  }

  test('gives a session that only the requester can open, bound to its attempt', async () => {
    aws().signInAsRunner();
    const { result, keys } = await issue({}, { attempt: 3 });
    expect(result.outcome).toMatchObject({
      case: 'succeeded',
      value: {
        kind: {
          case: 'issueAwsCredentials',
          value: { arn: `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonRole/planton` },
        },
      },
    });
    const issued = fromBinary(IssuedAwsCredentialsSchema, await open(result, keys.privateKey, 'op/3'));
    expect(issued.accessKeyId).toMatch(/^ASIA/);
    expect(JSON.stringify(toJson(ResultSchema, result))).not.toContain(issued.sessionToken);
    await expect(open(result, keys.privateKey, 'op/2')).rejects.toThrow();
    const stranger = await suite.kem.generateKeyPair();
    await expect(open(result, stranger.privateKey, 'op/3')).rejects.toThrow();
    const asked = aws()
      .simulator.requests()
      .find(({ action }) => action === 'AssumeRole');
    expect(asked).toMatchObject({ assumeRole: { durationSeconds: 900, externalId: EXTERNAL_ID } });
  });

  test.each([
    ['none', new Uint8Array()],
    ['a short one', new Uint8Array(31).fill(9)],
    ['one that everybody could open', new Uint8Array(32)],
  ])('to a key that is no key, %s, asks AWS for nothing', async (_, resultPublicKey) => {
    aws().signInAsRunner();
    const { result } = await issue({}, { resultPublicKey });
    expect(errorOf(result)).toMatchObject({ kind: OperationErrorKind.INVALID, reason: 'RESULT_KEY_INVALID' });
    expect(result.sealedOutput).toBeUndefined();
    expect(aws().simulator.requests()).toEqual([]);
  });

  test.each([
    ['ROLE_OF_ANOTHER_ACCOUNT', { accountId: OTHER_ACCOUNT }],
    ['ROLE_ARN_INVALID', { roleArn: `arn:aws:iam::${ACCOUNT}:user/deployer` }],
  ])('is refused as %s', async (reason, input) => {
    expect(errorOf((await issue(input)).result)).toMatchObject({ kind: OperationErrorKind.INVALID, reason });
  });

  test('that AWS refuses is an authentication failure with causes; one that it cannot answer is transient', async () => {
    aws().signInAsRunner();
    const refused = errorOf((await issue({ externalId: 'another-external-id' })).result);
    expect(refused).toMatchObject({ kind: OperationErrorKind.AUTHENTICATION, reason: 'AWS_REFUSED' });
    expect(refused.causes.length).toBeGreaterThan(1);
    aws().simulator.fail('throttling', Number.POSITIVE_INFINITY);
    expect(errorOf((await issue()).result)).toMatchObject({
      kind: OperationErrorKind.TRANSIENT,
      reason: 'AWS_UNAVAILABLE',
      causes: [{ code: AwsAccessCauseCode.THROTTLED }],
    });
  });

  test('is refused by the platform runner without an external ID', async () => {
    aws().signInAsRunner();
    expect(errorOf((await issue({ externalId: '' }, { platform: true })).result)).toMatchObject({
      kind: OperationErrorKind.REFUSED,
      reason: 'EXTERNAL_ID_REQUIRED',
    });
  });
});
