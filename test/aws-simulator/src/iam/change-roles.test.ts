import { describe, expect, test } from 'vitest';
import type { Role } from '../identities/identity.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';
import { trustOf } from '../testing/roles.ts';
import { keepIam } from './keep-iam.ts';

const ACCOUNT = '444455556666';
const ARN = `arn:aws:iam::${ACCOUNT}:role/Made`;
const trustPolicy = trustOf('arn:aws:iam::123456789012:user/deployer');
const MADE: Role = { name: 'Made', trustPolicy };
const allow = (Action: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});
/** A policy whose text is of a length, at least 100. */
const long = (length: number): PolicyDocument => {
  const empty = allow('s3:');
  return allow(`s3:${'x'.repeat(length - JSON.stringify(empty).length)}`);
};

function open() {
  let time = 1_000;
  const iam = keepIam([{ id: ACCOUNT, users: [] }], () => new Date(time));
  const wait = (milliseconds: number) => {
    time += milliseconds;
  };
  return { iam, wait };
}

describe('a change is seen late', () => {
  test('by who assumes a role, and at once by who changes it', () => {
    const { iam, wait } = open();
    iam.delayPropagation(100);
    iam.createRole(ACCOUNT, MADE);
    expect(iam.findRole(ARN)).toBeUndefined();
    expect(iam.currentRole(ARN)?.known.arn).toBe(ARN);
    wait(99);
    expect(iam.findRole(ARN)).toBeUndefined();
    wait(1);
    expect(iam.findRole(ARN)?.maxSessionDuration).toBe(3_600);

    iam.changeRole(ARN, (role) => ({ ...role, maxSessionDuration: 7_200 }));
    expect(iam.findRole(ARN)?.maxSessionDuration).toBe(3_600);
    wait(50);
    iam.deleteRole(ARN);
    wait(50);
    expect(iam.findRole(ARN)?.maxSessionDuration).toBe(7_200);
    wait(50);
    expect(iam.findRole(ARN)).toBeUndefined();
  });

  test('until the delay is ended', () => {
    const { iam } = open();
    iam.delayPropagation(Number.POSITIVE_INFINITY);
    iam.createRole(ACCOUNT, MADE);
    iam.propagate();
    expect(iam.findRole(ARN)?.arn).toBe(ARN);
    iam.deleteRole(ARN);
    expect(iam.findRole(ARN)).toBeUndefined();
  });

  test('and later changes never wait behind earlier ones', () => {
    const { iam } = open();
    iam.delayPropagation(1_000);
    iam.createRole(ACCOUNT, MADE);
    iam.delayPropagation(0);
    iam.changeRole(ARN, (role) => ({ ...role, maxSessionDuration: 7_200 }));
    expect(iam.findRole(ARN)?.maxSessionDuration).toBe(7_200);
  });
});

describe('unique ids', () => {
  test('stay over changes, and are others when a role is made again', () => {
    const { iam } = open();
    const first = iam.createRole(ACCOUNT, MADE).roleId;
    expect(iam.changeRole(ARN, (role) => ({ ...role, maxSessionDuration: 7_200 })).roleId).toBe(first);
    iam.deleteRole(ARN);
    const second = iam.createRole(ACCOUNT, MADE).roleId;
    expect(second).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect(second).not.toBe(first);
    iam.replaceAccounts([{ id: ACCOUNT, users: [], roles: [MADE] }]);
    expect(iam.findRole(ARN)?.roleId).toBe(second);
    iam.replaceAccounts([{ id: ACCOUNT, users: [] }]);
    iam.replaceAccounts([{ id: ACCOUNT, users: [], roles: [MADE] }]);
    expect([first, second]).not.toContain(iam.findRole(ARN)?.roleId);
  });
});

describe('is refused as IAM refuses it, and changes nothing', () => {
  test.each<[string, Partial<Role>, string, string]>([
    [
      'a name that is taken, in another case and path',
      { name: 'MADE', path: '/x/' },
      'EntityAlreadyExists',
      'Role with name MADE already exists.',
    ],
    [
      'inline policies that are too long together',
      { name: 'New', policies: { a: long(5_121), b: long(5_120) } },
      'LimitExceeded',
      'Maximum policy size of 10240 bytes exceeded for role New',
    ],
    [
      'too many managed policies',
      { name: 'New', managedPolicyArns: Array(11).fill('arn:aws:iam::aws:policy/ReadOnlyAccess') },
      'LimitExceeded',
      'Cannot exceed quota for PoliciesPerRole: 10',
    ],
    [
      'a trust policy that is too long',
      { name: 'New', trustPolicy: { ...trustPolicy, Id: 'x'.repeat(2_048) } },
      'LimitExceeded',
      'Cannot exceed quota for ACLSizePerRole: 2048',
    ],
    [
      'a managed policy that is not there',
      { name: 'New', managedPolicyArns: ['arn:aws:iam::aws:policy/Nothing'] },
      'NoSuchEntity',
      'does not exist or is not attachable',
    ],
    [
      'a boundary that is not there',
      { name: 'New', permissionsBoundaryArn: `arn:aws:iam::${ACCOUNT}:policy/None` },
      'NoSuchEntity',
      'does not exist or is not attachable',
    ],
  ])('%s', (_, role, code, message) => {
    const { iam } = open();
    iam.createRole(ACCOUNT, MADE);
    const made = { ...MADE, ...role };
    const create = () => iam.createRole(ACCOUNT, made);
    expect(create).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    expect(iam.arnOfRole(ACCOUNT, 'New')).toBeUndefined();
    expect(iam.arnOfRole(ACCOUNT, 'made')).toBe(ARN);
  });

  test('what is as long as may be is taken', () => {
    const { iam } = open();
    iam.createRole(ACCOUNT, { ...MADE, policies: { a: long(5_120), b: long(5_120) } });
    const arn = iam.createPolicy(ACCOUNT, { name: 'Long', document: long(6_144) });
    expect(arn).toBe(`arn:aws:iam::${ACCOUNT}:policy/Long`);
    expect(() => iam.createPolicy(ACCOUNT, { name: 'Longer', document: long(6_145) })).toThrow(
      'Cannot exceed quota for PolicySize: 6144',
    );
    expect(() => iam.createPolicy(ACCOUNT, { name: 'LONG', document: long(100) })).toThrow('already exists');
  });

  test('a managed policy that is attached cannot be deleted, and changes for all that have it', () => {
    const { iam } = open();
    const arn = iam.createPolicy(ACCOUNT, { name: 'Shared', document: allow('s3:*') });
    iam.createRole(ACCOUNT, { ...MADE, managedPolicyArns: [arn] });
    expect(() => iam.deletePolicy(arn)).toThrow('Cannot delete a policy attached to entities.');
    iam.changePolicy(arn, allow('ec2:*'));
    expect(iam.findRole(ARN)?.policies[0]?.statements[0]?.actions.patterns).toEqual(['ec2:*']);
    iam.deleteRole(ARN);
    iam.deletePolicy(arn);
    expect(iam.findPolicy(arn)).toBeUndefined();
  });

  test('what is not there cannot be changed or deleted', () => {
    const { iam } = open();
    expect(() => iam.deleteRole(ARN)).toThrow('The role with name Made cannot be found.');
    expect(() => iam.changeRole(ARN, (role) => role)).toThrow('cannot be found');
    expect(() => iam.createRole('999999999999', MADE)).toThrow('there is no account 999999999999');
    expect(() => iam.deletePolicy('arn:aws:iam::aws:policy/ReadOnlyAccess')).toThrow('was not found');
  });
});
