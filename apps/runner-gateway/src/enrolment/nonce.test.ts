import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkNonce, mintNonce } from './nonce.ts';

const key = createSecretKey(Buffer.alloc(32, 1));
const now = new Date('2030-01-01T00:00:00Z');
const later = (ms: number) => new Date(now.getTime() + ms);

describe('a nonce of recovery', () => {
  const nonce = mintNonce(key, 'instance-1', now, randomBytes);

  test('is good for a minute, for one instance, under one key', () => {
    expect(nonce).toHaveLength(57);
    expect(checkNonce(key, 'instance-1', nonce, now)).toEqual(later(60_000));
    expect(checkNonce(key, 'instance-1', nonce, later(59_999))).toEqual(later(60_000));
    expect(checkNonce(key, 'instance-1', nonce, later(60_000))).toBeUndefined();
    expect(checkNonce(key, 'instance-2', nonce, now)).toBeUndefined();
    expect(checkNonce(createSecretKey(Buffer.alloc(32, 2)), 'instance-1', nonce, now)).toBeUndefined();
    expect(mintNonce(key, 'instance-1', now, randomBytes).equals(nonce)).toBe(false);
  });

  test('may be checked by a replica whose clock is slow, but not by one that is wrong', () => {
    expect(checkNonce(key, 'instance-1', nonce, later(-60_000))).toEqual(later(60_000));
    expect(checkNonce(key, 'instance-1', nonce, later(-60_001))).toBeUndefined();
  });

  test('is good as it was made alone', () => {
    fc.assert(
      fc.property(fc.nat(nonce.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(nonce);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(checkNonce(key, 'instance-1', changed, now)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(checkNonce(key, 'instance-1', bytes, now)).toBeUndefined();
        expect(
          checkNonce(key, 'instance-1', Buffer.concat([nonce, bytes, Buffer.of(0)]), now),
        ).toBeUndefined();
      }),
    );
    for (let length = 0; length < nonce.length; length++) {
      expect(checkNonce(key, 'instance-1', nonce.subarray(0, length), now)).toBeUndefined();
    }
  });
});
