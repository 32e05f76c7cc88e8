import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PARTITIONS } from '../partitions/partition.ts';
import { checkPrincipalArn } from './check-principal-arn.ts';
import { samePrincipal } from './same-principal.ts';

const ROLE = 'arn:aws:iam::123456789012:role/platform/runner';
const SESSION = 'arn:aws:sts::123456789012:assumed-role/runner/session';

describe('checkPrincipalArn', () => {
  test.each([
    [ROLE, { kind: 'role', partition: 'aws', path: '/platform/', name: 'runner' }],
    [
      'arn:aws-us-gov:iam::123456789012:user/ann',
      { kind: 'user', partition: 'aws-us-gov', path: '/', name: 'ann' },
    ],
    ['arn:aws-cn:iam::123456789012:role/a+b=c,d.e@f-g_h', { kind: 'role', name: 'a+b=c,d.e@f-g_h' }],
  ])('takes %s apart', (text, value) => {
    expect(checkPrincipalArn(text)).toMatchObject({
      ok: true,
      value: { accountId: '123456789012', ...value },
    });
  });

  test.each([
    ['', 'empty', 'is empty'],
    ['runner', 'shape', 'is not of the form'],
    [SESSION, 'session', "give the role's own ARN, which reads arn:aws:iam::ACCOUNT:role/NAME"],
    ['arn:aws:iam::123456789012:root', 'not_a_principal', 'a whole account'],
    ['arn:aws:iam::123456789012:group/a', 'not_a_principal', 'neither a role nor a user'],
    ['arn:aws:sts::123456789012:federated-user/a', 'not_a_principal', 'neither a role nor a user'],
    ['arn:aws:iam::123456789012:roles/a', 'not_a_principal', 'neither a role nor a user'],
    ['arn:aws:iam:us-east-1:123456789012:role/a', 'region', 'names a region'],
    ['arn:aws:iam::aws:role/a', 'account', 'names no account id'],
    ['arn:aws:iam::123456789012:role/', 'name', 'no valid name'],
    ['arn:aws:iam::123456789012:role/*', 'name', 'no valid name'],
    ['arn:aws:iam::123456789012:role/runner?', 'name', 'no valid name'],
    [`arn:aws:iam::123456789012:role/${'n'.repeat(65)}`, 'name', 'no valid name'],
    ['arn:aws:iam::123456789012:role/*/runner', 'path', 'has a path with'],
    ['arn:aws:iam::123456789012:role//runner', 'path', 'has a path with'],
    [`arn:aws:iam::123456789012:role/${'p'.repeat(512)}/a`, 'path', 'more than 512'],
  ])('refuses %.70s', (text, reason, message) => {
    expect(checkPrincipalArn(text)).toMatchObject({
      ok: false,
      reason,
      message: expect.stringContaining(message),
    });
  });

  test('takes nothing that a trust policy would read as a pattern', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.constantFrom('*', '?', '$', '{'), (at, wild) => {
        const position = ROLE.length - at;
        const text = ROLE.slice(0, position) + wild + ROLE.slice(position);
        expect(checkPrincipalArn(text).ok).toBe(false);
      }),
    );
  });
});

describe('samePrincipal', () => {
  const USER = 'arn:aws:iam::123456789012:user/team/ann';

  test.each([
    [ROLE, SESSION],
    ['arn:aws:iam::123456789012:role/runner', SESSION],
    [USER, USER],
  ])('%s is %s', (principal, caller) => {
    expect(samePrincipal(principal, caller)).toBe(true);
  });

  test.each([
    [ROLE, 'arn:aws:sts::123456789012:assumed-role/Runner/session'],
    [ROLE, 'arn:aws:sts::123456789012:assumed-role/runner2/session'],
    [ROLE, 'arn:aws:sts::123456789013:assumed-role/runner/session'],
    [ROLE, 'arn:aws-cn:sts::123456789012:assumed-role/runner/session'],
    [ROLE, 'arn:aws:sts::123456789012:assumed-role/platform/runner/session'],
    [ROLE, 'arn:aws:sts::123456789012:assumed-role/runner'],
    [ROLE, 'arn:aws:iam::123456789012:assumed-role/runner/session'],
    [ROLE, 'arn:aws:sts::123456789012:federated-user/runner'],
    [ROLE, 'arn:aws:iam::123456789012:root'],
    [ROLE, ROLE],
    [ROLE, ''],
    [USER, 'arn:aws:iam::123456789012:user/ann'],
    [USER, 'arn:aws:sts::123456789012:assumed-role/ann/session'],
    [SESSION, SESSION],
    ['', ''],
    ['arn:aws:iam::123456789012:role/*', SESSION],
  ])('%s is not %j', (principal, caller) => {
    expect(samePrincipal(principal, caller)).toBe(false);
  });

  test('knows a role by its sessions, and no other', () => {
    const roles = fc.record({
      partition: fc.constantFrom(...PARTITIONS.map(({ id }) => id)),
      account: fc.constantFrom('123456789012', '210987654321'),
      name: fc.constantFrom('a', 'A', 'ab', 'a.b'),
    });
    fc.assert(
      fc.property(roles, roles, fc.constantFrom('/', '/path/'), (role, caller, path) => {
        const principal = `arn:${role.partition}:iam::${role.account}:role${path}${role.name}`;
        const session = `arn:${caller.partition}:sts::${caller.account}:assumed-role/${caller.name}/some-session`;
        const same = JSON.stringify(role) === JSON.stringify(caller);
        expect(samePrincipal(principal, session)).toBe(same);
      }),
    );
  });
});
