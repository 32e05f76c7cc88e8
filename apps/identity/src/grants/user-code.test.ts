import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mintUserCode, readUserCode } from './user-code.ts';

test('a code is read however it is written', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.constantFrom('', ' ', '-', ' - '), (lower, between) => {
      const code = mintUserCode(randomBytes);
      expect(code).toMatch(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
      const typed = code.replace('-', between);
      expect(readUserCode(lower ? typed.toLowerCase() : typed)).toBe(code);
    }),
  );
});

test('every letter is as likely, whatever the bytes', () => {
  const counts = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) {
    const code = mintUserCode((size) => Buffer.alloc(size, byte < 240 ? byte : 0));
    if (byte < 240) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  expect([...counts.values()]).toEqual(Array.from({ length: 20 }, () => 12));
});

test('what is no code is none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = readUserCode(text);
      if (read !== undefined) expect(read.replace('-', '')).toBe(text.toUpperCase().replace(/[\s-]/g, ''));
    }),
  );
  for (const text of ['', 'BCDF-GHJ', 'BCDF-GHJA', 'BCDF-GHJKL']) expect(readUserCode(text)).toBeUndefined();
});
