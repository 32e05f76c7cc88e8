import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOwnedBy, suffixSlug } from './owned-secret.ts';

const slug = fc.stringMatching(/^[a-z0-9]{1,12}(-[a-z0-9]{1,12}){0,5}$/).map((text) => text.slice(0, 63));
const valid = slug.filter((text) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text));

test('a slug with a suffix is a slug, ends in the suffix and begins as was wanted', () => {
  fc.assert(
    fc.property(valid, fc.stringMatching(/^[0-9a-f]{8}$/), (wanted, suffix) => {
      const made = suffixSlug(wanted, suffix);
      expect(made).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(made.length).toBeLessThanOrEqual(63);
      expect(made.endsWith(`-${suffix}`)).toBe(true);
      const kept = made.slice(0, -suffix.length - 1);
      expect(wanted.startsWith(kept)).toBe(true);
      expect(kept.length).toBeGreaterThanOrEqual(Math.min(wanted.length, 53));
    }),
  );
});

test('a cut never leaves two hyphens in a row', () => {
  expect(suffixSlug(`${'a'.repeat(53)}-bcdefghi`, '0123abcd')).toBe(`${'a'.repeat(53)}-0123abcd`);
  expect(suffixSlug('a'.repeat(63), '0123abcd')).toBe(`${'a'.repeat(54)}-0123abcd`);
});

test('an owner is told by organisation, service and uid together', () => {
  const secret = { organization_uid: 'o', owner_service: 's', owner_uid: 'u' };
  expect(isOwnedBy(secret, { organizationUid: 'o', service: 's', ownerUid: 'u' })).toBe(true);
  const other = fc.record({
    organizationUid: fc.constantFrom('o', 'x', ''),
    service: fc.constantFrom('s', 'x', ''),
    ownerUid: fc.constantFrom('u', 'x', ''),
  });
  fc.assert(
    fc.property(other, (owner) => {
      const same = owner.organizationUid === 'o' && owner.service === 's' && owner.ownerUid === 'u';
      expect(isOwnedBy(secret, owner)).toBe(same);
      expect(isOwnedBy({ organization_uid: 'o', owner_service: null, owner_uid: null }, owner)).toBe(false);
    }),
  );
});
