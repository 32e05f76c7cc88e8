import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createScrub } from './scrub-text.ts';

const LONGEST = 100;
const secret = fc.string({ minLength: 8, maxLength: 40, unit: fc.constantFrom('A', 'b', '/', '+', '=') });

test('no secret is left, as it is or as it stands in a URL, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.array(secret, { minLength: 1, maxLength: 3 }),
      fc.array(fc.string({ unit: 'binary', maxLength: 10 }), { minLength: 1, maxLength: 8 }),
      (secrets, words) => {
        const text = words.flatMap((word, i) => [word, secrets[i % secrets.length] ?? '']).join('');
        const urls = secrets.map((each) => encodeURIComponent(each));
        const clean = createScrub(secrets)(text + urls.join('&'), 10_000);
        for (const form of [...secrets, ...urls]) expect(clean).not.toContain(form);
      },
    ),
  );
});

test('what comes out fits, holds no NUL, and is text that a database takes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const clean = createScrub([])(`\0${text}\ud83d`, LONGEST);
      expect(clean.length).toBeLessThanOrEqual(LONGEST);
      expect(clean).not.toContain('\0');
      expect(clean.isWellFormed()).toBe(true);
    }),
  );
});

test('a secret that a NUL splits is found, and of two the longer one first', () => {
  expect(createScrub(['AKIAIOSFODNN7EXAMPLE'])('x AKIA\0IOSFODNN7EXAMPLE', LONGEST)).toBe('x [hidden]');
  expect(createScrub(['12345678', '1234567890'])('1234567890', LONGEST)).toBe('[hidden]');
});

test('a value too short to be a secret does not blot out every text', () => {
  expect(createScrub(['a', ''])('a cat sat', LONGEST)).toBe('a cat sat');
});

test('a text without secrets stays as it is', () => {
  const text = 'account 123456789012 answered as arn:aws:iam::123456789012:user/planton';
  expect(createScrub(['AKIAIOSFODNN7EXAMPLE'])(text, LONGEST)).toBe(text);
});
