import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PARTITIONS } from '../partitions/partition.ts';
import { formatArn, parseArn } from './parse-arn.ts';
import { formatRoleArn, parseRoleArn } from './parse-role-arn.ts';

const partitions = fc.constantFrom(...PARTITIONS.map(({ id }) => id));
const accountIds = fc.stringMatching(/^[0-9]{12}$/);

describe('parseArn', () => {
  test.each([
    ['arn:aws:s3:::bucket/key:with:colons', ['aws', 's3', '', '', 'bucket/key:with:colons']],
    ['arn:aws:iam::aws:policy/ReadOnlyAccess', ['aws', 'iam', '', 'aws', 'policy/ReadOnlyAccess']],
    [
      'arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/a/b',
      ['aws-cn', 'cloudformation', 'cn-north-1', '123456789012', 'stack/a/b'],
    ],
  ])('takes %s apart', (text, [partition, service, region, accountId, resource]) => {
    expect(parseArn(text)).toEqual({
      ok: true,
      value: { partition, service, region, accountId, resource },
    });
  });

  test.each([
    ['', 'empty', 'is empty'],
    ['role/deployer', 'shape', 'arn:partition:service:region:account:resource'],
    ['arn:aws:iam::123456789012:', 'shape', 'arn:partition:service:region:account:resource'],
    ['ARN:aws:iam::123456789012:root', 'shape', 'arn:partition:service:region:account:resource'],
    ['arn:aws-iso:iam::123456789012:root', 'partition', 'aws, aws-us-gov and aws-cn'],
    ['arn:aws:I AM::123456789012:root', 'characters', 'white space'],
    ['arn:aws:IAM::123456789012:root', 'service', 'third part'],
    ['arn:aws:iam::12345678901:root', 'account', '11 digits given, 12 expected'],
    ['arn:aws:sqs:cn-north-1:123456789012:queue', 'region', 'no region of partition aws'],
    [`arn:aws:iam::123456789012:${'r'.repeat(2048)}`, 'length', 'at most 2048'],
  ])('refuses %.60s', (text, reason, message) => {
    expect(parseArn(text)).toMatchObject({
      ok: false,
      reason,
      message: expect.stringContaining(message),
    });
  });

  test('is undone by formatArn', () => {
    const arns = fc.record({
      partition: partitions,
      service: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
      region: fc.constant(''),
      accountId: fc.oneof(accountIds, fc.constantFrom('', 'aws')),
      resource: fc.stringMatching(/^[\x21-\x7e]{1,100}$/),
    });
    fc.assert(
      fc.property(arns, (arn) => {
        expect(parseArn(formatArn(arn))).toEqual({ ok: true, value: arn });
      }),
    );
  });

  test('what it takes, formatArn writes back unchanged', () => {
    const mutilated = fc
      .tuple(
        fc.constant('arn:aws:iam::123456789012:role/a'),
        fc.nat(40),
        fc.string({ maxLength: 3, unit: 'binary' }),
      )
      .map(([text, at, put]) => text.slice(0, at) + put + text.slice(at + 1));
    fc.assert(
      fc.property(mutilated, (text) => {
        const parsed = parseArn(text);
        if (parsed.ok) expect(formatArn(parsed.value)).toBe(text);
      }),
    );
  });
});

describe('parseRoleArn', () => {
  test.each([
    ['arn:aws:iam::123456789012:role/deployer', '/', 'deployer'],
    ['arn:aws:iam::123456789012:role/team/infra/deployer', '/team/infra/', 'deployer'],
    ['arn:aws:iam::123456789012:role/a+b=c,d.e@f-g_h', '/', 'a+b=c,d.e@f-g_h'],
  ])('takes %s apart', (text, path, name) => {
    const value = { partition: 'aws', accountId: '123456789012', path, name };
    expect(parseRoleArn(text)).toEqual({ ok: true, value });
  });

  test.each([
    ['arn:aws:iam::123456789012:user/ann', 'not_a_role', 'is the ARN of an IAM user'],
    ['arn:aws:sts::123456789012:assumed-role/a/b', 'not_a_role', 'is the ARN of a session of a role'],
    ['arn:aws:iam::123456789012:policy/a', 'not_a_role', 'is the ARN of an IAM policy'],
    ['arn:aws:iam::123456789012:instance-profile/a', 'not_a_role', 'is the ARN of an instance profile'],
    ['arn:aws:iam::123456789012:root', 'not_a_role', 'is the ARN of an account'],
    ['arn:aws:iam::123456789012:roleplay', 'not_a_role', 'something in IAM that is not a role'],
    ['arn:aws:s3:::bucket', 'not_a_role', 'something that is not in IAM'],
    ['arn:aws:iam:us-east-1:123456789012:role/a', 'region', 'names a region'],
    ['arn:aws:iam::aws:role/a', 'account', 'names no account id'],
    ['arn:aws:iam:::role/a', 'account', 'names no account id'],
    ['arn:aws:iam::123456789012:role/', 'name', 'no valid role name'],
    [`arn:aws:iam::123456789012:role/${'n'.repeat(65)}`, 'name', 'no valid role name'],
    ['arn:aws:iam::123456789012:role//a', 'path', 'a path with an empty part'],
    [`arn:aws:iam::123456789012:role/${'p'.repeat(512)}/a`, 'path', 'more than 512'],
  ])('refuses %.70s', (text, reason, message) => {
    expect(parseRoleArn(text)).toMatchObject({
      ok: false,
      reason,
      message: expect.stringContaining(message),
    });
  });

  test('is undone by formatRoleArn', () => {
    const parts = fc.array(fc.stringMatching(/^[a-z0-9.]{1,10}$/), { maxLength: 4 });
    const roles = fc.record({
      partition: partitions,
      accountId: accountIds,
      path: parts.map((each) => (each.length === 0 ? '/' : `/${each.join('/')}/`)),
      name: fc.stringMatching(/^[A-Za-z0-9_+=,.@-]{1,64}$/),
    });
    fc.assert(
      fc.property(roles, (role) => {
        expect(parseRoleArn(formatRoleArn(role))).toEqual({ ok: true, value: role });
      }),
    );
  });
});
