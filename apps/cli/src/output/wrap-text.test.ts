import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFields } from './format-fields.ts';
import { wrapText } from './wrap-text.ts';

test.each([
  ['', 5, ['']],
  ['one two', 7, ['one two']],
  ['one two', 6, ['one', 'two']],
  ['one abcdefgh two', 5, ['one', 'abcde', 'fgh', 'two']],
  ['abcdefghij', 5, ['abcde', 'fghij']],
])('%j in %i characters', (text, width, lines) => {
  expect(wrapText(text, width)).toEqual(lines);
});

test('no line is too long, and nothing but blanks is lost', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 80 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 40 }), (text, width) => {
      const lines = wrapText(text, width);
      expect(lines.every(({ length }) => length <= width)).toBe(true);
      expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    }),
  );
});

test('values of fields go on below themselves', () => {
  const fields = [
    ['cause', 'the role does not trust us'],
    ['hint', ''],
    ['at', 'now'],
  ] as const;
  expect(formatFields(fields, 22)).toBe('cause  the role does\n       not trust us\nat     now');
});
