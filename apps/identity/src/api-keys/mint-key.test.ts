import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashKey, isApiKey, mintKey, tracesOf } from './mint-key.ts';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('every minted key is one, and its traces show eleven characters of it', () => {
  fc.assert(
    fc.property(bytes, (random) => {
      const key = mintKey(() => Buffer.from(random));
      const { hash, prefix, lastCharacters } = tracesOf(key);
      expect(isApiKey(key)).toBe(true);
      expect(key).toBe(`planton_${Buffer.from(random).toString('base64url')}`);
      expect(hash).toEqual(createHash('sha256').update(key).digest());
      expect([prefix, lastCharacters]).toEqual([key.slice(0, 12), key.slice(-3)]);
    }),
  );
});

test('different randomness makes different keys and hashes', () => {
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      fc.pre(Buffer.compare(Buffer.from(one), Buffer.from(other)) !== 0);
      const [a, b] = [mintKey(() => Buffer.from(one)), mintKey(() => Buffer.from(other))];
      expect(a).not.toBe(b);
      expect(hashKey(a).equals(hashKey(b))).toBe(false);
    }),
  );
});

test('nothing else is a key', () => {
  const shaped = fc.stringMatching(/^planton_[A-Za-z0-9_-]{43}$/);
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(isApiKey(text)).toBe(false);
    }),
  );
  fc.assert(
    fc.property(shaped, fc.string({ minLength: 1 }), (key, more) => {
      expect(isApiKey(more + key)).toBe(false);
      expect(isApiKey(key + more)).toBe(false);
      expect(isApiKey(`${key}\n`)).toBe(false);
    }),
  );
});
