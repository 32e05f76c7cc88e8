import { describe, expect, test } from 'vitest';
import { CONNECTION_ACCOUNTS } from '../testing/connection-template.ts';
import { parseConfiguration } from './parse-configuration.ts';

const accounts = [
  {
    ...CONNECTION_ACCOUNTS[0],
    partition: 'aws',
    users: [],
    roles: [
      {
        name: 'r',
        path: '/p/',
        trustPolicy: { Version: '2012-10-17' },
        policies: { a: { Version: '2012-10-17' } },
        managedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
        permissionsBoundaryArn: 'arn:aws:iam::444455556666:policy/Boundary',
        maxSessionDuration: 7_200,
        tags: { team: 'a' },
      },
    ],
  },
];

test('says what the options say', () => {
  const configuration = {
    accounts,
    consoleAccount: '444455556666',
    templates: { 'https://b.s3.amazonaws.com/a': 'a.yaml' },
    clockFactor: 20,
  };
  expect(parseConfiguration(JSON.stringify(configuration))).toEqual(configuration);
  expect(parseConfiguration(JSON.stringify({ accounts: [] }))).toEqual({ accounts: [], templates: {} });
});

describe('names the place that is wrong', () => {
  const role = accounts[0]?.roles[0];
  test.each([
    [{ accounts: [], consoleAccount: 1 }, 'consoleAccount is not a string'],
    [{ accounts: [], templates: [] }, 'templates is not an object'],
    [{ accounts: [], templates: { a: 1 } }, 'templates.a is not a string'],
    [{ accounts: [], clockFactor: '1' }, 'clockFactor is not a number'],
    [
      { accounts: [{ ...accounts[0], roles: [{ ...role, policies: { a: [] } }] }] },
      'accounts[0].roles[0].policies.a is not an object',
    ],
    [
      { accounts: [{ ...accounts[0], roles: [{ ...role, managedPolicyArns: [1] }] }] },
      'accounts[0].roles[0].managedPolicyArns[0] is not a string',
    ],
    [
      { accounts: [{ ...accounts[0], roles: [{ ...role, tags: { a: 1 } }] }] },
      'accounts[0].roles[0].tags.a is not a string',
    ],
    [
      { accounts: [{ ...accounts[0], managedPolicies: [{ name: 'a' }] }] },
      'accounts[0].managedPolicies[0].document is not an object',
    ],
  ])('%#', (configuration, message) => {
    expect(() => parseConfiguration(JSON.stringify(configuration))).toThrow(message);
  });
});
