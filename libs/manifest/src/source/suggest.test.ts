import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest } from './suggest.ts';

test.each([
  ['acces_key_id', 'access_key_id'],
  ['REGION', 'region'],
  ['reigon', 'region'],
  ['xyz', undefined],
  ['', undefined],
  ['r'.repeat(1000), undefined],
])('%s is taken for %s', (word, expected) => {
  expect(nearest(word, ['access_key_id', 'secret_access_key', 'region'])).toBe(expected);
});

test('a word is nearest to itself', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,20}$/), { minLength: 1 }), (words) => {
      for (const word of words) expect(nearest(word, words)).toBe(word);
    }),
  );
});
