import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkAccountId } from './check-account-id.ts';

test.each([
  ['', 'empty', 'is empty; an account id has 12 digits'],
  ['12345678901', 'length', '11 digits given, 12 expected'],
  ['1', 'length', '1 digit given, 12 expected'],
  ['1234567890123', 'length', '13 digits given, 12 expected'],
  ['123456789012\n', 'whitespace', 'has leading or trailing white space'],
  ['1234-5678-9012', 'characters', 'holds hyphens; give the 12 digits alone'],
  ['12345678901x', 'characters', 'holds characters other than digits'],
  ['١٢٣٤٥٦٧٨٩٠١٢', 'characters', 'holds characters other than digits'],
])('refuses %j', (value, reason, message) => {
  expect(checkAccountId(value)).toEqual({ ok: false, reason, message });
});

test('takes exactly the strings of 12 digits', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9]{10,14}$/), (value) => {
      expect(checkAccountId(value).ok).toBe(value.length === 12);
    }),
  );
});
