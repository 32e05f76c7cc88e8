import { AwsAccessCauseCode, OperationErrorKind } from '@planton/api/runner/v1/operation';
import { expect, test } from 'vitest';
import { carryOut, errorOf, outputOf } from '../../testing/carry-out.ts';
import { OTHER_ACCOUNT, useAws } from '../../testing/use-aws.ts';
import { useRunner } from '../../testing/use-runner.ts';

const aws = useAws();
const rig = useRunner();
const describeIdentity = (platform = true) =>
  carryOut(rig(), { case: 'describeAwsIdentity', value: { region: 'us-west-2' } }, { platform });

test('the platform runner says who it is', async () => {
  aws().signInAsRunner();
  const { result, steps } = await describeIdentity();
  const arn = `arn:aws:iam::${OTHER_ACCOUNT}:user/runner`;
  expect(outputOf(result, 'describeAwsIdentity')).toMatchObject({
    accountId: OTHER_ACCOUNT,
    arn,
    observation: `AWS answered for account ${OTHER_ACCOUNT} as ${arn}`,
    causes: [],
  });
  expect(steps.at(-1)).toBe(`asking STS in us-west-2 who the caller is: passed - ${arn}`);
});

test('that it has no identity, or none that works, is a finding', async () => {
  expect(outputOf((await describeIdentity()).result, 'describeAwsIdentity')).toMatchObject({
    accountId: '',
    arn: '',
    causes: [{ code: AwsAccessCauseCode.NO_CREDENTIALS }],
  });
  aws().signInAsRunner();
  process.env.AWS_SECRET_ACCESS_KEY = 'x'.repeat(40);
  const wrong = outputOf((await describeIdentity()).result, 'describeAwsIdentity');
  expect(wrong).toMatchObject({ accountId: '', causes: [{ code: AwsAccessCauseCode.WRONG_SECRET }] });
  expect(wrong.observation).toContain('SignatureDoesNotMatch');
});

test('that AWS does not say who it is does not mean that it is nobody', async () => {
  aws().signInAsRunner();
  aws().simulator.fail('service_unavailable', Number.POSITIVE_INFINITY);
  expect(errorOf((await describeIdentity()).result)).toMatchObject({
    kind: OperationErrorKind.TRANSIENT,
    reason: 'AWS_UNAVAILABLE',
    message: expect.stringContaining('ServiceUnavailable'),
  });
});

test('the runner of an organisation keeps it to itself', async () => {
  aws().signInAsRunner();
  expect(errorOf((await describeIdentity(false)).result)).toMatchObject({
    kind: OperationErrorKind.REFUSED,
    reason: 'PLATFORM_ONLY',
  });
  expect(aws().simulator.requests()).toEqual([]);
});
