import { create } from '@bufbuild/protobuf';
import { AwsProviderConnectionSpecSchema } from '@planton/api/connect/v1/aws_provider_connection';
import { expect, test } from 'vitest';
import { checkSpec } from './check-spec.ts';

const specWith = (account: string, region: string, iamRoleArn = '') =>
  create(AwsProviderConnectionSpecSchema, {
    accountId: { source: { case: 'value', value: account } },
    region: { source: { case: 'value', value: region } },
    iamRoleArn,
  });
const fieldsOf = (spec: ReturnType<typeof specWith>) => checkSpec(spec, new Map()).map(({ field }) => field);

test.each([
  ['012345678901', 'us-west-2', '', []],
  ['12345678901', 'us-west-2', '', ['spec.account_id.value']],
  ['1'.repeat(1000), 'x'.repeat(1000), '', ['spec.account_id.value', 'spec.region.value']],
  ['123456789012', 'us-west-2', 'arn:aws:iam::123456789012:role/a', []],
  ['123456789012', 'us-west-2', 'arn:aws:iam::210987654321:role/a', ['spec.iam_role_arn']],
  ['123456789012', 'us-west-2', 'arn:aws-cn:iam::123456789012:role/a', ['spec.iam_role_arn']],
  ['123456789012', 'cn-north-1', 'arn:aws-cn:iam::123456789012:role/a', []],
  ['123456789012', 'us-west-2', 'arn:aws:iam::123456789012:user/a', ['spec.iam_role_arn']],
])('account %.20s, region %.20s, role %s: %j', (account, region, role, fields) => {
  expect(fieldsOf(specWith(account, region, role))).toEqual(fields);
});

test('a variable is checked once its value is known', () => {
  const spec = create(AwsProviderConnectionSpecSchema, {
    accountId: { source: { case: 'variable', value: 'account' } },
    region: { source: { case: 'variable', value: 'region' } },
  });
  expect(checkSpec(spec, new Map())).toEqual([]);
  const resolved = new Map([
    ['spec.account_id', '1234'],
    ['spec.region', 'us-west-2'],
  ]);
  expect(checkSpec(spec, resolved)).toEqual([
    {
      field: 'spec.account_id.variable',
      message: 'variable "account" holds "1234": 4 digits given, 12 expected',
    },
  ]);
});

test('messages stay short however long the value is', () => {
  for (const { message } of checkSpec(specWith('9'.repeat(1024), 'z'.repeat(1024)), new Map())) {
    expect(message.length).toBeLessThan(300);
  }
});
