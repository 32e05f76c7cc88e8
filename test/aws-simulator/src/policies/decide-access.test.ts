import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideAccess } from './decide-access.ts';
import { parseIdentityPolicy } from './identity-policy.ts';

const STACK = 'arn:aws:cloudformation:us-west-2:444455556666:stack/planton/1a2b';
type Statement = Readonly<Record<string, unknown>>;

const policyOf = (...statements: readonly Statement[]) =>
  parseIdentityPolicy({ Version: '2012-10-17', Statement: statements }, 'policy');

function decide(
  statements: readonly Statement[],
  action = 'cloudformation:DescribeStacks',
  resource = STACK,
  keys = {},
) {
  return decideAccess([policyOf(...statements)], { action, resource, keys: new Map(Object.entries(keys)) });
}

describe('a statement', () => {
  test.each([
    ['*', '*', 'allowed'],
    ['cloudformation:*', STACK, 'allowed'],
    ['CloudFormation:describestacks', STACK, 'allowed'],
    ['cloudformation:Describe?tacks', 'arn:aws:cloudformation:*:*:stack/planton/*', 'allowed'],
    [['s3:*', 'cloudformation:Describe*'], ['arn:aws:s3:::*', STACK], 'allowed'],
    ['cloudformation:Delete*', STACK, 'not_allowed'],
    ['cloudformation:*', 'arn:aws:cloudformation:*:*:stack/PLANTON/*', 'not_allowed'],
    ['cloudformation:*', 'arn:aws:cloudformation:*:*:stack/planton/', 'not_allowed'],
    ['cloudformation:*', 'arn:aws:cloudformation:us-west-2:*:*:*', 'not_allowed'],
    ['cloudformation:*', 'arn:aws:*:*:*:*', 'allowed'],
  ])('that allows %j on %j', (Action, Resource, expected) => {
    expect(decide([{ Effect: 'Allow', Action, Resource }])).toBe(expected);
  });

  test('may name what it does not mean', () => {
    const all = { Effect: 'Allow', Resource: '*' };
    expect(decide([{ ...all, NotAction: 'cloudformation:*' }])).toBe('not_allowed');
    expect(decide([{ ...all, NotAction: 's3:*' }])).toBe('allowed');
    const any = { Effect: 'Allow', Action: '*' };
    expect(decide([{ ...any, NotResource: STACK }])).toBe('not_allowed');
    expect(decide([{ ...any, NotResource: `${STACK}x` }])).toBe('allowed');
    expect(
      decide([
        { Effect: 'Deny', Action: '*', NotResource: STACK },
        { ...any, Resource: '*' },
      ]),
    ).toBe('allowed');
  });

  test('applies when its conditions are met', () => {
    const statement = {
      Effect: 'Allow',
      Action: '*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': ['eu-west-1', 'us-west-2'] } },
    };
    expect(decide([statement], 'a:b', '*', { 'aws:requestedregion': 'us-west-2' })).toBe('allowed');
    expect(decide([statement], 'a:b', '*', { 'aws:requestedregion': 'us-west-1' })).toBe('not_allowed');
    expect(decide([statement], 'a:b', '*')).toBe('not_allowed');
  });

  test('that is about some resources is not about an action on none', () => {
    expect(
      decide([{ Effect: 'Allow', Action: '*', Resource: STACK }], 'cloudformation:ListStacks', '*'),
    ).toBe('not_allowed');
  });
});

test('a denial wins over any number of permissions, in whatever order and policy', () => {
  const statements = fc.array(fc.constantFrom<'Allow' | 'Deny'>('Allow', 'Deny'), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(statements, (effects) => {
      const policies = effects.map((Effect) => policyOf({ Effect, Action: 's3:*', Resource: '*' }));
      const request = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k', keys: new Map() };
      expect(decideAccess(policies, request)).toBe(effects.includes('Deny') ? 'denied' : 'allowed');
      expect(decideAccess(policies, { ...request, action: 'ec2:RunInstances' })).toBe('not_allowed');
    }),
  );
});

describe('a policy that is not understood is refused, and says where', () => {
  const valid = { Effect: 'Allow', Action: 's3:*', Resource: '*' };
  test.each([
    [{ ...valid, Principal: '*' }, 'Principal is not understood'],
    [{ ...valid, Effect: 'allow' }, 'Effect is not Allow or Deny'],
    [{ ...valid, NotAction: 's3:*' }, 'there has to be either Action or NotAction'],
    [{ Effect: 'Allow', Action: 's3:*' }, 'there has to be either Resource or NotResource'],
    [{ ...valid, Action: [] }, 'Action is not a text or a list of texts'],
    [{ ...valid, Action: 'GetObject' }, 'Actions must be prefaced by a vendor'],
    [{ ...valid, Resource: 'bucket' }, 'Resource must be in ARN format or "*".'],
    [{ ...valid, Resource: 'arn:aws:s3' }, 'Resource must be in ARN format or "*".'],
    [{ ...valid, Resource: `arn:aws:s3:::\${aws:username}` }, 'Resource has a policy variable'],
    [{ ...valid, Sid: 'with space' }, 'Statement IDs (SID) must be alpha-numeric.'],
    [{ ...valid, Condition: { DateLessThan: { a: 'b' } } }, 'Condition.DateLessThan is not understood'],
    ['text', 'it is not an object'],
  ])('%j', (statement, message) => {
    const parse = () =>
      parseIdentityPolicy({ Version: '2012-10-17', Statement: [valid, statement] }, 'policy');
    expect(parse).toThrow(/^policy: Statement 2: /);
    expect(parse).toThrow(message);
  });

  test.each([
    [undefined, 'it is not an object'],
    [[], 'it is not an object'],
    [{ Version: '2008-10-17', Statement: [valid] }, 'Version is not 2012-10-17'],
    [{ Version: '2012-10-17', Statement: [] }, 'there is no Statement'],
    [{ Version: '2012-10-17', Statement: valid, Extra: 1 }, 'Extra is not understood'],
    [
      {
        Version: '2012-10-17',
        Statement: [
          { ...valid, Sid: 'a' },
          { ...valid, Sid: 'a' },
        ],
      },
      'must be unique',
    ],
  ])('%j', (document, message) => {
    expect(() => parseIdentityPolicy(document, 'policy')).toThrow(message);
  });
});
