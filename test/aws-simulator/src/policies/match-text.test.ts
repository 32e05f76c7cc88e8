import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchArn, matchText } from './match-text.ts';

test('matches as the regular expression that the pattern stands for', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '.'), maxLength: 8 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(text, pattern, (value, like) => {
      const expression = like.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      expect(matchText(value, like)).toBe(new RegExp(`^${expression}$`, 's').test(value));
    }),
    { numRuns: 2_000 },
  );
});

test('takes no time that matters over a pattern made to take it', () => {
  expect(matchText('a'.repeat(2_000), `${'a*'.repeat(200)}b`)).toBe(false);
});

test.each([
  ['arn:aws:iam::1:role/a', 'arn:aws:iam::1:role/a', true],
  ['arn:aws:iam::1:role/a:b', 'arn:aws:iam::1:role/a:*', true],
  ['arn:aws:iam::1:role/a', 'arn:*:*:*:*:*', true],
  ['arn:aws:iam::1:role/a', '*', false],
  ['arn:aws:iam::1:role/a', 'arn:aws:*:role/a', false],
  ['arn:aws:iam::1:role/a', 'arn:aws:iam::1:ROLE/a', false],
  ['*', '*', false],
])('%s, %s: %s', (arn, pattern, expected) => {
  expect(matchArn(arn, pattern)).toBe(expected);
});
