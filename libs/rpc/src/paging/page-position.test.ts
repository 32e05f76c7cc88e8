import fc from 'fast-check';
import { expect, test } from 'vitest';
import { numberedPosition, numberPosition, textPosition } from './page-position.ts';
import { encodePageToken } from './page-token.ts';

const query = 'q';

test('a position comes back as it was', () => {
  expect(textPosition('', query, 1)).toBeUndefined();
  expect(numberPosition('', query)).toBeUndefined();
  expect(textPosition(encodePageToken(['a', ''], query), query, 2)).toEqual(['a', '']);
  expect(numberPosition(encodePageToken(['42'], query), query)).toBe(42);
  expect(numberedPosition('', query)).toBeUndefined();
  expect(numberedPosition(encodePageToken(['1700000000000000', 'a'], query), query)).toEqual({
    number: 1_700_000_000_000_000,
    text: 'a',
  });
});

test.each([[['\0']], [['a', 'b']], [[]]])('no text position: %j', (parts) => {
  expect(() => textPosition(encodePageToken(parts, query), query, 1)).toThrow(/page_token/);
});

test.each([['x'], ['-1'], ['1.5'], ['1e3'], ['9'.repeat(30)], ['9'.repeat(16)], [''], ['NaN']])(
  'no number position: %j',
  (part) => {
    expect(() => numberPosition(encodePageToken([part], query), query)).toThrow(/page_token/);
    expect(() => numberedPosition(encodePageToken([part, 'a'], query), query)).toThrow(/page_token/);
  },
);

test('whatever is made up is refused', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200 }), (token) => {
      expect(() => numberPosition(token, query)).toThrow(/page_token/);
      expect(() => textPosition(token, query, 1)).toThrow(/page_token/);
    }),
  );
});
