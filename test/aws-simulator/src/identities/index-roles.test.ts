import { describe, expect, test } from 'vitest';
import { PLATFORM_ROLE, ROLE_ACCOUNTS, TRUSTS_USER, trustOf } from '../testing/roles.ts';
import type { Role } from './identity.ts';
import { indexRoles } from './index-roles.ts';
import { parseAccounts } from './parse-accounts.ts';

const trustPolicy = trustOf('arn:aws:iam::123456789012:user/deployer');
const account = (...roles: readonly Role[]) => ({ id: '123456789012', users: [], roles });

test('the configuration file says what the options say', () => {
  const [find, findParsed] = [
    indexRoles(ROLE_ACCOUNTS),
    indexRoles(parseAccounts(JSON.stringify({ accounts: ROLE_ACCOUNTS }))),
  ];
  for (const arn of [PLATFORM_ROLE, TRUSTS_USER]) {
    expect(find(arn)?.arn).toBe(arn);
    expect(JSON.stringify(findParsed(arn))).toBe(JSON.stringify(find(arn)));
  }
  expect(find(TRUSTS_USER.toLowerCase())).toBeUndefined();
  expect(find('constructor')).toBeUndefined();
});

describe('names what is wrong', () => {
  test.each([
    [[account({ name: 'a/b', trustPolicy })], /its ARN/],
    [[account({ name: '', trustPolicy })], /its ARN/],
    [[account({ name: 'r', path: 'planton', trustPolicy })], /its ARN/],
    [[account({ name: 'r', path: '//', trustPolicy })], /its ARN/],
    [
      [account({ name: 'r', trustPolicy }, { name: 'R', path: '/x/', trustPolicy })],
      /another role of this name/,
    ],
    [[account({ name: 'r', trustPolicy, maxSessionDuration: 3_599 })], /3600 to 43200 seconds/],
    [[account({ name: 'r', trustPolicy, maxSessionDuration: 43_201 })], /3600 to 43200 seconds/],
    [[account({ name: 'r', trustPolicy, maxSessionDuration: Number.NaN })], /3600 to 43200 seconds/],
    [[account({ name: 'r', trustPolicy: {} })], /role\/r: trust policy: Version is not/],
  ])('roles %#', (accounts, message) => {
    expect(() => indexRoles(accounts)).toThrow(message);
  });
});
