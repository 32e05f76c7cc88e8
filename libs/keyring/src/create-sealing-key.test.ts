import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeyring } from './create-keyring.ts';
import { createSealingKey } from './create-sealing-key.ts';
import { KeyringError } from './keyring-error.ts';
import { openMasterKey } from './open-master-key.ts';

const SECRET = Buffer.alloc(32, 7);
const key = createSealingKey(SECRET, 'test/operation');
const tampered = expect.objectContaining({ name: 'KeyringError', reason: 'tampered' });

const places = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 });

test('any bytes in any place come back, and the caller keeps his own', () => {
  fc.assert(
    fc.property(places, fc.uint8Array({ maxLength: 4_096 }), (place, plaintext) => {
      const before = Buffer.from(plaintext);
      const sealed = key.seal(place, plaintext);
      expect(key.open(place, sealed)).toEqual(before);
      expect(Buffer.from(plaintext)).toEqual(before);
      expect(sealed.length).toBe(plaintext.length + 29);
    }),
  );
});

test('two places never open each other, however alike they read', () => {
  fc.assert(
    fc.property(places, places, fc.uint8Array({ maxLength: 64 }), (one, other, plaintext) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other));
      expect(() => key.open(other, key.seal(one, plaintext))).toThrow(tampered);
    }),
  );
  const sealed = key.seal(['operation', 'ab', 'c'], Buffer.from('x'));
  const others = [
    ['operation', 'a', 'bc'],
    ['operation', 'abc'],
    ['operation', 'ab', 'c', ''],
    ['', 'operation', 'ab', 'c'],
    ['operation', 'c', 'ab'],
    [],
  ];
  for (const place of others) expect(() => key.open(place, sealed)).toThrow(tampered);
});

test('neither another secret nor another purpose opens it', () => {
  const place = ['operation', 'op-1'];
  const sealed = key.seal(place, Buffer.from('x'));
  expect(() => createSealingKey(Buffer.alloc(32, 8), 'test/operation').open(place, sealed)).toThrow(tampered);
  expect(() => createSealingKey(SECRET, 'test/other').open(place, sealed)).toThrow(tampered);
  expect(() => createSealingKey(SECRET, 'test').open(['/operation', ...place], sealed)).toThrow(tampered);
  expect(createSealingKey(SECRET, 'test/operation').open(place, sealed).toString()).toBe('x');
});

test('every flipped bit and every cut is noticed', () => {
  const place = ['operation', 'op-1'];
  const sealed = key.seal(place, Buffer.from('correct horse'));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const flipped = Buffer.from(sealed);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(() => key.open(place, flipped)).toThrow(tampered);
  }
  for (let length = 0; length < sealed.length; length++) {
    expect(() => key.open(place, sealed.subarray(0, length))).toThrow(tampered);
  }
  expect(() => key.open(place, Buffer.concat([sealed, Buffer.of(0)]))).toThrow(tampered);
});

test('bytes of any kind, from any place, are an error of ours and never a crash', () => {
  const hostilePlaces = fc.array(fc.string({ unit: 'binary', maxLength: 400 }), { maxLength: 8 });
  fc.assert(
    fc.property(hostilePlaces, fc.uint8Array({ maxLength: 64 }), fc.boolean(), (place, bytes, versioned) => {
      const hostile = versioned ? Uint8Array.of(1, ...bytes) : bytes;
      expect(() => key.open(place, hostile)).toThrow(KeyringError);
    }),
  );
  expect(() => key.open(['\ud800'], Buffer.alloc(64, 1))).toThrow(tampered);
});

describe('what cannot be sealed', () => {
  test.each([0, 16, 31, 33, 64])('a secret of %i bytes', (length) => {
    expect(() => createSealingKey(Buffer.alloc(length), 'test')).toThrow(RangeError);
  });

  test('a place that UTF-8 would alter', () => {
    expect(() => key.seal(['\ud800'], Buffer.from('x'))).toThrow(TypeError);
  });

  test('a place of more than a kilobyte, which then does not open either', () => {
    const longest = ['x'.repeat(1_024 - 4 - 'test/operation'.length - 4)];
    expect(key.open(longest, key.seal(longest, Buffer.from('x'))).toString()).toBe('x');
    const longer = [`${longest[0]}x`];
    expect(() => key.seal(longer, Buffer.from('x'))).toThrow(RangeError);
    expect(() => key.open(longer, key.seal(longest, Buffer.from('x')))).toThrow(tampered);
  });
});

test('the secret is copied and does not print', () => {
  const secret = Buffer.alloc(32, 9);
  const copy = createSealingKey(secret, 'test');
  const sealed = copy.seal(['p'], Buffer.from('x'));
  secret.fill(0);
  expect(copy.open(['p'], sealed).toString()).toBe('x');
  expect(inspect(copy, { depth: 10, showHidden: true })).not.toMatch(/09 09|9, 9|CQkJ/);
});

test('sealing twice never gives the same nonce', () => {
  const nonces = Array.from({ length: 1_000 }, () =>
    key.seal(['p'], Buffer.from('x')).subarray(1, 13).toString('hex'),
  );
  expect(new Set(nonces).size).toBe(1_000);
});

test('shares no key with the keyring, even under the same bytes and the same place', async () => {
  const env = { KEY: SECRET.toString('base64') };
  const master = await openMasterKey({ kind: 'env', name: 'KEY' }, { createIfMissing: false, env });
  const wrapped = await createKeyring({ master }).createOrganizationKey('org-1', 1);
  const sameContext = createSealingKey(SECRET, 'planton/organization-key');
  expect(() => sameContext.open(['org-1', '1', master.fingerprint], wrapped.wrapped)).toThrow(tampered);
});
