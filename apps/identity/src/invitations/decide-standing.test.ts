import { Permission } from '@planton/api/common/v1/access';
import { type RoleName, roleHolds, roleIncludes } from '@planton/rpc';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Grant } from '../members/member-store.ts';
import { decideStanding } from './decide-standing.ts';

const roles: readonly RoleName[] = ['owner', 'admin', 'developer', 'viewer', 'deployer'];
const environments = fc.oneof(
  fc.constant('all' as const),
  fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
);
const grant: fc.Arbitrary<Grant> = fc.record({ role: fc.constantFrom(...roles), environments });

test('an invitation never gives what whoever invites could not give now', () => {
  fc.assert(
    fc.property(grant, fc.option(grant, { nil: undefined }), (given, inviter) => {
      const standing = decideStanding(given, inviter);
      if (standing === 'inviter_may_not') return;
      expect(inviter).toBeDefined();
      if (!inviter) return;
      expect(roleHolds(inviter.role, Permission.MEMBER_MANAGE)).toBe(true);
      expect(roleIncludes(inviter.role, given.role)).toBe(true);
      if (inviter.environments !== 'all')
        expect([...inviter.environments]).toEqual(expect.arrayContaining([...given.environments]));
      expect(standing === 'good').toBe(given.environments === 'all' || given.environments.length > 0);
    }),
  );
});

test.each<[string, Grant, Grant | undefined, string]>([
  [
    'an owner gives everything',
    { role: 'owner', environments: 'all' },
    { role: 'owner', environments: 'all' },
    'good',
  ],
  [
    'an admin makes no owner',
    { role: 'owner', environments: 'all' },
    { role: 'admin', environments: 'all' },
    'inviter_may_not',
  ],
  [
    'a developer gives nothing',
    { role: 'viewer', environments: 'all' },
    { role: 'developer', environments: 'all' },
    'inviter_may_not',
  ],
  ['who is no member gives nothing', { role: 'viewer', environments: 'all' }, undefined, 'inviter_may_not'],
  [
    'who is limited gives not everything',
    { role: 'viewer', environments: 'all' },
    { role: 'admin', environments: ['a'] },
    'inviter_may_not',
  ],
  [
    'nothing is left',
    { role: 'viewer', environments: [] },
    { role: 'admin', environments: 'all' },
    'covers_nothing',
  ],
])('%s', (_what, given, inviter, standing) => expect(decideStanding(given, inviter)).toBe(standing));
