import { describe, expect, test } from 'vitest';
import { parseAccounts } from '../configuration/parse-accounts.ts';
import { ACCOUNTS, CHINA_KEY, KEY } from '../testing/sign-request.ts';
import type { AccessKey } from './identity.ts';
import { indexCredentials } from './index-credentials.ts';

const account = (...accessKeys: readonly AccessKey[]) => ({
  id: '123456789012',
  users: [{ name: 'ann', accessKeys }],
});

test('the configuration file says what the options say', () => {
  const parsed = parseAccounts(JSON.stringify({ accounts: ACCOUNTS }));
  const [find, findParsed] = [indexCredentials(ACCOUNTS), indexCredentials(parsed)];
  for (const { accessKeyId } of [KEY, CHINA_KEY]) {
    expect(find(accessKeyId)).toBeDefined();
    expect(findParsed(accessKeyId)).toEqual(find(accessKeyId));
  }
});

describe('names what is wrong without its value', () => {
  test.each([
    [[{ ...account(), id: '12345' }], 'account id: 5 digits given, 12 expected'],
    [[{ ...account(), users: [{ name: 'a/b', accessKeys: [] }] }], 'a user name is'],
    [[account({ ...KEY, accessKeyId: 'ASIAIOSFODNN7EXAMPLE' })], 'access key id is a temporary one'],
    [[account({ ...KEY, accessKeyId: 'AKIA' })], 'access key id is 4 characters long'],
    [[account({ ...KEY, secretAccessKey: 'hunter2' })], 'secret access key is 7 characters long'],
    [[account(KEY, KEY)], 'access key id is used twice'],
  ])('accounts %#', (accounts, message) => {
    expect(() => indexCredentials(accounts)).toThrow(message);
  });

  const secret = KEY.secretAccessKey;
  test.each([
    [`{"accounts": [{"secretAccessKey": "${secret}"`, 'the configuration is not JSON'],
    ['[]', 'the configuration is not an object'],
    ['{}', 'accounts is not a list'],
    [`{"accounts": ["${secret}"]}`, 'accounts[0] is not an object'],
    ['{"accounts": [{"id": 1, "users": []}]}', 'accounts[0].id is not a string'],
    ['{"accounts": [{"id": "1", "partition": "x", "users": []}]}', 'accounts[0].partition is not'],
    [
      '{"accounts": [{"id": "1", "users": [{"name": "a", "accessKeys": [{"accessKeyId": "a"}]}]}]}',
      'accounts[0].users[0].accessKeys[0].secretAccessKey is not a string',
    ],
    [
      '{"accounts": [{"id": "1", "users": [], "roles": [{"name": 1}]}]}',
      'accounts[0].roles[0].name is not a string',
    ],
    [
      '{"accounts": [{"id": "1", "users": [], "roles": [{"name": "r", "trustPolicy": "{}"}]}]}',
      'accounts[0].roles[0].trustPolicy is not an object',
    ],
    [
      '{"accounts": [{"id": "1", "users": [], "roles": [{"name": "r", "trustPolicy": {}, "maxSessionDuration": "1h"}]}]}',
      'accounts[0].roles[0].maxSessionDuration is not a number',
    ],
    [
      JSON.stringify({ accounts: [account({ ...KEY, status: 'active' as 'Active' })] }),
      'accounts[0].users[0].accessKeys[0].status is not Active or Inactive',
    ],
  ])('configuration %#', (text, message) => {
    let thrown = '';
    try {
      parseAccounts(text);
    } catch (error) {
      thrown = String(error);
    }
    expect(thrown).toContain(message);
    expect(thrown).not.toContain(secret);
  });
});
