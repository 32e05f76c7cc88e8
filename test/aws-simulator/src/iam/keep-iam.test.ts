import { describe, expect, test } from 'vitest';
import { parseAccounts } from '../configuration/parse-accounts.ts';
import type { Account, Role } from '../identities/identity.ts';
import { PLATFORM_ROLE, ROLE_ACCOUNTS, TRUSTS_USER, trustOf } from '../testing/roles.ts';
import { keepIam } from './keep-iam.ts';

const trustPolicy = trustOf('arn:aws:iam::123456789012:user/deployer');
const indexRoles = (accounts: readonly Account[]) => keepIam(accounts, () => new Date(0)).findRole;
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
