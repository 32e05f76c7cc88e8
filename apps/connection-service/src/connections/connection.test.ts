import fc from 'fast-check';
import { expect, test } from 'vitest';
import { slugOf } from './connection.ts';

const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;

test.each([
  ['AWS Production', 'aws-production'],
  ['my-aws-connection', 'my-aws-connection'],
  ['  Zürich / é!! ', 'zurich-e'],
  ['a'.repeat(100), 'a'.repeat(63)],
  [`${'a'.repeat(62)} b`, 'a'.repeat(62)],
])('the slug of %j is %s', (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});

test('every slug is valid, and its own slug', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 120, unit: 'binary' }), (name) => {
      let slug: string;
      try {
        slug = slugOf(name);
      } catch (error) {
        expect(error).toMatchObject({ reason: 'NAME_REQUIRED' });
        return;
      }
      expect(slug).toMatch(SLUG);
      expect(slug.length).toBeLessThanOrEqual(63);
      expect(slugOf(slug)).toBe(slug);
    }),
  );
});
