import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Caller } from '../identities/identity.ts';
import { decideTrust } from './decide-trust.ts';
import { parseTrustPolicy } from './trust-policy.ts';

const USER: Caller = {
  kind: 'user',
  accountId: '111122223333',
  partition: 'aws',
  arn: 'arn:aws:iam::111122223333:user/ann',
  principalArn: 'arn:aws:iam::111122223333:user/ann',
  userId: 'AIDAEXAMPLE',
};
const SESSION: Caller = {
  kind: 'session',
  accountId: '111122223333',
  partition: 'aws',
  arn: 'arn:aws:sts::111122223333:assumed-role/PlatformRunner/i-1',
  principalArn: 'arn:aws:iam::111122223333:role/planton/PlatformRunner',
  userId: 'AROAEXAMPLE:i-1',
};
const ROOT = 'arn:aws:iam::111122223333:root';

type Statement = Readonly<Record<string, unknown>>;

function policyOf(...statements: readonly Statement[]) {
  const Statement = statements.map((each) => ({
    Effect: 'Allow',
    Principal: { AWS: ROOT },
    Action: 'sts:AssumeRole',
    ...each,
  }));
  return parseTrustPolicy({ Version: '2012-10-17', Statement }, 'role');
}

function allows(
  statements: Statement | readonly Statement[],
  caller = USER,
  keys: Readonly<Record<string, string>> = {},
) {
  const request = { caller, action: 'sts:AssumeRole', keys: new Map(Object.entries(keys)) };
  const list = Array.isArray(statements) ? statements : [statements];
  return decideTrust(policyOf(...list), request);
}

describe('who is named', () => {
  test.each([
    ['the root of the account', ROOT, true, true],
    ['the account by its id', '111122223333', true, true],
    ['anybody', '*', true, true],
    ['the user', USER.arn, true, false],
    ['the role', SESSION.principalArn, false, true],
    ['the session', SESSION.arn, false, true],
    ['another session of the role', `${SESSION.arn}2`, false, false],
    ['the role without its path', 'arn:aws:iam::111122223333:role/PlatformRunner', false, false],
    ['another account', 'arn:aws:iam::444455556666:root', false, false],
    ['the account in another partition', 'arn:aws-cn:iam::111122223333:root', false, false],
    ['several, one of them right', ['444455556666', ROOT], true, true],
  ])('%s', (_, principal, user, session) => {
    expect(allows({ Principal: { AWS: principal } }, USER)).toBe(user);
    expect(allows({ Principal: { AWS: principal } }, SESSION)).toBe(session);
  });

  test('a service and an identity provider are nobody here', () => {
    expect(allows({ Principal: { Service: 'ec2.amazonaws.com' } })).toBe(false);
    expect(allows({ Principal: { Federated: 'cognito-identity.amazonaws.com' } })).toBe(false);
  });
});

describe('what is allowed', () => {
  test.each([
    ['sts:AssumeRole', true],
    ['STS:assumerole', true],
    ['sts:*', true],
    ['*', true],
    ['sts:Assume*Role', true],
    [['sts:TagSession', 'sts:AssumeRole'], true],
    ['sts:TagSession', false],
    ['sts:AssumeRoleWithWebIdentity', false],
  ])('%j: %s', (action, expected) => {
    expect(allows({ Action: action })).toBe(expected);
  });

  test('a denial wins, wherever it stands and however much allows', () => {
    const deny = {
      Effect: 'Deny',
      Principal: '*',
      Condition: { ArnNotEquals: { 'aws:PrincipalArn': USER.arn } },
    };
    const keys = { 'aws:principalarn': USER.arn };
    expect(allows([{}, deny], USER, keys)).toBe(true);
    expect(allows([deny, {}], USER, { 'aws:principalarn': SESSION.principalArn })).toBe(false);
    expect(allows([{}, {}, { Effect: 'Deny' }])).toBe(false);
    expect(allows([{ Effect: 'Deny', Action: 'sts:TagSession' }, {}])).toBe(true);
  });
});

describe('under which conditions', () => {
  const external = (operator: string, value: unknown) => ({
    Condition: { [operator]: { 'sts:ExternalId': value } },
  });

  test.each([
    ['StringEquals', 'Right', 'Right', true],
    ['StringEquals', 'Right', 'right', false],
    ['StringEquals', 'Right', 'Right ', false],
    ['StringEquals', 'Right', undefined, false],
    ['StringEquals', 'R*', 'Right', false],
    ['StringEquals', ['Other', 'Right'], 'Right', true],
    ['StringEqualsIfExists', 'Right', undefined, true],
    ['StringEqualsIfExists', 'Right', 'wrong', false],
    ['StringEqualsIgnoreCase', 'Right', 'rIGHT', true],
    ['StringLike', 'R*t', 'Right', true],
    ['StringLike', 'R?ght', 'Right', true],
    ['StringLike', 'R?ght', 'Rght', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', 'a', undefined, true],
    ['StringNotLike', 'a*', 'abc', false],
    ['Bool', 'true', 'True', true],
    ['Bool', 'true', 'false', false],
    ['Bool', 'true', undefined, false],
    ['BoolIfExists', 'true', undefined, true],
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'x', false],
    ['Null', 'false', 'true', true],
    ['Null', 'false', undefined, false],
  ])('%s %j of %j: %s', (operator, wanted, sent, expected) => {
    const keys: Record<string, string> = sent === undefined ? {} : { 'sts:externalid': sent };
    expect(allows(external(operator, wanted), USER, keys)).toBe(expected);
  });

  test.each([
    ['ArnEquals', 'arn:aws:iam::111122223333:role/planton/PlatformRunner', true],
    ['ArnLike', 'arn:aws:iam::111122223333:role/*', true],
    ['ArnEquals', 'arn:aws:iam::*:role/planton/Platform?unner', true],
    ['ArnLike', 'arn:aws:iam::111122223333:role/PlatformRunner', false],
    ['ArnLike', 'arn:*', false],
    ['ArnLike', 'arn:aws:iam:*:PlatformRunner', false],
    ['ArnNotLike', 'arn:aws:iam::444455556666:role/*', true],
  ])('%s %s: %s', (operator, pattern, expected) => {
    const condition = { Condition: { [operator]: { 'AWS:principalARN': pattern } } };
    expect(allows(condition, SESSION, { 'aws:principalarn': SESSION.principalArn })).toBe(expected);
  });

  test('all of them have to be met', () => {
    const both = {
      Condition: {
        StringEquals: { 'sts:ExternalId': 'x', 'sts:RoleSessionName': 'n' },
        ArnEquals: { 'aws:PrincipalArn': USER.arn },
      },
    };
    const keys = { 'sts:externalid': 'x', 'sts:rolesessionname': 'n', 'aws:principalarn': USER.arn };
    expect(allows(both, USER, keys)).toBe(true);
    for (const key of Object.keys(keys)) {
      expect(allows(both, USER, { ...keys, [key]: 'other' })).toBe(false);
      expect(
        allows(both, USER, Object.fromEntries(Object.entries(keys).filter(([each]) => each !== key))),
      ).toBe(false);
    }
  });

  test('an external ID is compared whole: none that was altered passes', () => {
    const id = fc.string({ minLength: 2, maxLength: 40 }).filter((text) => !text.includes('${'));
    fc.assert(
      fc.property(id, id, (wanted, sent) => {
        const statement = external('StringEquals', wanted);
        expect(allows(statement, USER, { 'sts:externalid': wanted })).toBe(true);
        expect(allows(statement, USER, { 'sts:externalid': sent })).toBe(sent === wanted);
        expect(allows(statement, USER, { 'sts:externalid': wanted.slice(0, -1) })).toBe(false);
        expect(allows(statement, USER, { 'sts:externalid': `${wanted}x` })).toBe(false);
      }),
    );
  });
});

describe('a policy that is not understood is refused, and says where', () => {
  test.each([
    [{ NotPrincipal: { AWS: ROOT } }, 'NotPrincipal is not understood'],
    [{ Resource: '*' }, 'Resource is not understood'],
    [{ Effect: 'allow' }, 'Effect is not Allow or Deny'],
    [{ Principal: undefined }, 'Principal is not "*" or an object'],
    [{ Principal: { AWS: [] } }, 'Principal.AWS is not a text or a list of texts'],
    [
      { Principal: { AWS: 'arn:aws:iam::111122223333:role/*' } },
      'is not an account, a user, a role or a session',
    ],
    [{ Principal: { AWS: 'arn:aws:s3:::bucket' } }, 'is not an account, a user, a role or a session'],
    [{ Principal: { AWS: 'ann' } }, 'a principal is not of the form arn:'],
    [{ Principal: { Canonical: 'x' } }, 'Principal.Canonical is not understood'],
    [{ Action: [] }, 'Action is not a text or a list of texts'],
    [{ Condition: { NumericEquals: { 'sts:x': '1' } } }, 'Condition.NumericEquals is not understood'],
    [
      { Condition: { StringEquals: { 'sts:ExternalId': 7 } } },
      'Condition.StringEquals.sts:ExternalId is not',
    ],
    [{ Condition: { StringLike: { 'sts:RoleSessionName': `\${aws:username}` } } }, 'has a policy variable'],
    [{ Condition: [] }, 'Condition is not an object'],
  ])('%j', (statement, message) => {
    expect(() => policyOf({}, statement)).toThrow(/^role: trust policy: Statement 2: /);
    expect(() => policyOf({}, statement)).toThrow(message);
  });

  test.each([
    [{}, 'Version is not 2012-10-17'],
    [{ Version: '2012-10-17' }, 'there is no Statement'],
    [{ Version: '2012-10-17', Statement: [] }, 'there is no Statement'],
    [{ Version: '2012-10-17', statement: [] }, 'statement is not understood'],
  ])('%j', (document, message) => {
    expect(() => parseTrustPolicy(document, 'role')).toThrow(message);
  });
});
