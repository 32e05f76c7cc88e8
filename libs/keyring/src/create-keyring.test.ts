import { inspect } from 'node:util';
import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { createKeyring, type Keyring, type SecretVersionPlace } from './create-keyring.ts';
import { KeyringError } from './keyring-error.ts';
import { type MasterKey, openMasterKey } from './open-master-key.ts';

const place: SecretVersionPlace = { organization: 'org-1', secret: 'sec-1', version: 'ver-1' };

async function masterOf(fill: number): Promise<MasterKey> {
  const env = { KEY: Buffer.alloc(32, fill).toString('base64') };
  return openMasterKey({ kind: 'env', name: 'KEY' }, { createIfMissing: false, env });
}

let master: MasterKey;
let other: MasterKey;
let keyring: Keyring;
beforeAll(async () => {
  master = await masterOf(1);
  other = await masterOf(2);
  keyring = createKeyring({ master });
});

async function openOrganization(organization: string, version = 1, from = keyring) {
  return from.unwrapOrganizationKey(organization, await from.createOrganizationKey(organization, version));
}

const tampered = expect.objectContaining({ name: 'KeyringError', reason: 'tampered' });

describe('entries', () => {
  test('any bytes under any name come back', () => {
    const dataKey = keyring.newDataKey(place);
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 4_096 }),
        (entryKey, plaintext) => {
          const before = Buffer.from(plaintext);
          const sealed = keyring.sealEntry(dataKey, entryKey, plaintext);
          expect(keyring.openEntry(dataKey, entryKey, sealed)).toEqual(before);
          expect(Buffer.from(plaintext)).toEqual(before);
          expect(sealed.length).toBe(plaintext.length + 29);
        },
      ),
    );
  });

  test('text comes back as UTF-8, and text UTF-8 would alter is refused', () => {
    const dataKey = keyring.newDataKey(place);
    for (const text of ['', 'pässwörd', '🔑\0\n']) {
      expect(keyring.openEntry(dataKey, 'k', keyring.sealEntry(dataKey, 'k', text)).toString()).toBe(text);
    }
    expect(() => keyring.sealEntry(dataKey, 'k', '\ud800')).toThrow(TypeError);
    expect(() => keyring.sealEntry(dataKey, '\ud800', 'x')).toThrow(TypeError);
  });

  test('every flipped bit and every cut is noticed', () => {
    const dataKey = keyring.newDataKey(place);
    const sealed = keyring.sealEntry(dataKey, 'password', 'correct horse');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(() => keyring.openEntry(dataKey, 'password', flipped)).toThrow(tampered);
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(() => keyring.openEntry(dataKey, 'password', sealed.subarray(0, length))).toThrow(tampered);
    }
    expect(() => keyring.openEntry(dataKey, 'password', Buffer.concat([sealed, Buffer.of(0)]))).toThrow(
      tampered,
    );
  });

  test('bytes of any kind are an error of ours, never a crash', () => {
    const dataKey = keyring.newDataKey(place);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, versioned) => {
        const hostile = versioned ? Uint8Array.of(1, ...bytes) : bytes;
        expect(() => keyring.openEntry(dataKey, 'k', hostile)).toThrow(KeyringError);
      }),
    );
  });

  test('an entry opens only in its own place, even under the same key', () => {
    const dataKey = keyring.newDataKey(place);
    const sealed = keyring.sealEntry(dataKey, 'password', 'x');
    for (const part of ['organization', 'secret', 'version'] as const) {
      const moved = { ...dataKey, place: { ...place, [part]: 'another' } };
      expect(() => keyring.openEntry(moved, 'password', sealed)).toThrow(tampered);
    }
    expect(() => keyring.openEntry(dataKey, 'username', sealed)).toThrow(tampered);
    const shifted = { ...dataKey, place: { ...place, secret: 'sec-1v', version: 'er-1' } };
    expect(() => keyring.openEntry(shifted, 'password', sealed)).toThrow(tampered);
    expect(() => keyring.openEntry(keyring.newDataKey(place), 'password', sealed)).toThrow(tampered);
  });

  test('sealing twice never gives the same nonce', () => {
    const dataKey = keyring.newDataKey(place);
    const nonces = Array.from({ length: 1_000 }, () =>
      keyring.sealEntry(dataKey, 'k', 'x').subarray(1, 13).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(1_000);
  });
});

describe('data keys', () => {
  test('a wrapped data key opens what it sealed', async () => {
    const organizationKey = await openOrganization('org-1');
    const dataKey = keyring.newDataKey(place);
    const sealed = keyring.sealEntry(dataKey, 'k', 'value');
    const unwrapped = keyring.unwrapDataKey(
      organizationKey,
      place,
      keyring.wrapDataKey(organizationKey, dataKey),
    );
    expect(keyring.openEntry(unwrapped, 'k', sealed).toString()).toBe('value');
  });

  test('a wrapped data key unwraps only in its own place and under its own key version', async () => {
    const organizationKey = await openOrganization('org-1');
    const wrapped = keyring.wrapDataKey(organizationKey, keyring.newDataKey(place));
    for (const moved of [
      { ...place, secret: 'sec-2' },
      { ...place, version: 'ver-2' },
    ]) {
      expect(() => keyring.unwrapDataKey(organizationKey, moved, wrapped)).toThrow(tampered);
    }
    expect(() => keyring.unwrapDataKey({ ...organizationKey, version: 2 }, place, wrapped)).toThrow(tampered);
    const elsewhere = { ...place, organization: 'org-2' };
    expect(() =>
      keyring.unwrapDataKey({ ...organizationKey, organization: 'org-2' }, elsewhere, wrapped),
    ).toThrow(tampered);
  });

  test('keys of different organisations do not meet', async () => {
    const organizationKey = await openOrganization('org-2');
    expect(() => keyring.wrapDataKey(organizationKey, keyring.newDataKey(place))).toThrow(RangeError);
  });

  test('a ciphertext of one kind does not pass for another', async () => {
    const organizationKey = await openOrganization('org-1');
    const asEntry = keyring.sealEntry({ place, key: organizationKey.key }, '1', Buffer.alloc(32));
    expect(() => keyring.unwrapDataKey(organizationKey, place, asEntry)).toThrow(tampered);
  });

  test('rotation re-wraps without touching entries, and the old wrapping is not valid under the new key', async () => {
    const [first, second] = [await openOrganization('org-1', 1), await openOrganization('org-1', 2)];
    const dataKey = keyring.newDataKey(place);
    const sealed = keyring.sealEntry(dataKey, 'k', 'value');
    const wrapped = keyring.wrapDataKey(first, dataKey);
    const rewrapped = keyring.rewrapDataKey(first, second, place, wrapped);
    const unwrapped = keyring.unwrapDataKey(second, place, rewrapped);
    expect(keyring.openEntry(unwrapped, 'k', sealed).toString()).toBe('value');
    expect(() => keyring.unwrapDataKey(second, place, wrapped)).toThrow(tampered);
    expect(() => keyring.unwrapDataKey(first, place, rewrapped)).toThrow(tampered);
  });

  test('keys do not print', async () => {
    const organizationKey = await openOrganization('org-1');
    const dataKey = keyring.newDataKey(place);
    const bytes = [organizationKey.key.export(), dataKey.key.export()];
    const printed = inspect([organizationKey, dataKey, keyring, master], { depth: 10, showHidden: true });
    const encoded = JSON.stringify([organizationKey, dataKey, keyring, master]);
    for (const key of bytes) {
      for (const form of ['hex', 'base64', 'latin1'] as const) {
        expect(printed).not.toContain(key.toString(form));
        expect(encoded).not.toContain(key.toString(form));
      }
    }
  });
});

describe('organisation keys', () => {
  test('unwrap only for their organisation, version and master', async () => {
    const stored = await keyring.createOrganizationKey('org-1', 1);
    await expect(keyring.unwrapOrganizationKey('org-2', stored)).rejects.toEqual(tampered);
    await expect(keyring.unwrapOrganizationKey('org-1', { ...stored, version: 2 })).rejects.toEqual(tampered);
    await expect(
      createKeyring({ master: other }).unwrapOrganizationKey('org-1', stored),
    ).rejects.toMatchObject({
      reason: 'wrong_master_key',
    });
    const disguised = { ...stored, masterFingerprint: other.fingerprint };
    await expect(createKeyring({ master: other }).unwrapOrganizationKey('org-1', disguised)).rejects.toEqual(
      tampered,
    );
  });

  test('a kept key does not answer for a tampered row, and a failure is not kept', async () => {
    const stored = await keyring.createOrganizationKey('org-1', 1);
    await keyring.unwrapOrganizationKey('org-1', stored);
    const flipped = Buffer.from(stored.wrapped);
    flipped.writeUInt8(flipped.readUInt8(20) ^ 1, 20);
    await expect(keyring.unwrapOrganizationKey('org-1', { ...stored, wrapped: flipped })).rejects.toEqual(
      tampered,
    );

    const unwrap = vi.fn(master.unwrap).mockRejectedValueOnce(new Error('the key service is away'));
    const remote = createKeyring({ master: { ...master, unwrap } });
    await expect(remote.unwrapOrganizationKey('org-1', stored)).rejects.toThrow('away');
    await expect(remote.unwrapOrganizationKey('org-1', stored)).resolves.toMatchObject({ version: 1 });
  });

  test('many readers unwrap once, until told to forget; the oldest of very many is dropped', async () => {
    const unwrap = vi.fn(master.unwrap);
    const remote = createKeyring({ master: { ...master, unwrap } });
    const stored = await remote.createOrganizationKey('org-1', 1);
    await Promise.all(Array.from({ length: 10 }, () => remote.unwrapOrganizationKey('org-1', stored)));
    expect(unwrap).toHaveBeenCalledTimes(1);
    remote.forgetOrganizationKeys();
    await remote.unwrapOrganizationKey('org-1', stored);
    expect(unwrap).toHaveBeenCalledTimes(2);

    const rest = await Promise.all(
      Array.from({ length: 256 }, async (_, index) => {
        const organization = `other-${index}`;
        return { organization, stored: await remote.createOrganizationKey(organization, 1) };
      }),
    );
    for (const each of rest) await remote.unwrapOrganizationKey(each.organization, each.stored);
    expect(unwrap).toHaveBeenCalledTimes(258);
    await remote.unwrapOrganizationKey('org-1', stored);
    expect(unwrap).toHaveBeenCalledTimes(259);
    await remote.unwrapOrganizationKey('other-255', rest[255]?.stored ?? stored);
    expect(unwrap).toHaveBeenCalledTimes(259);
  });

  test('the master key rotates: the previous one opens, the current one wraps', async () => {
    const stored = await keyring.createOrganizationKey('org-1', 3);
    const before = await keyring.unwrapOrganizationKey('org-1', stored);
    const rotating = createKeyring({ master: other, previous: master });
    const rewrapped = await rotating.rewrapOrganizationKey('org-1', stored);
    expect(rewrapped).toMatchObject({ version: 3, masterFingerprint: other.fingerprint });
    expect(await rotating.rewrapOrganizationKey('org-1', rewrapped)).toBe(rewrapped);

    const after = await createKeyring({ master: other }).unwrapOrganizationKey('org-1', rewrapped);
    expect(after.key.equals(before.key)).toBe(true);
    await expect(keyring.unwrapOrganizationKey('org-1', rewrapped)).rejects.toMatchObject({
      reason: 'wrong_master_key',
    });
    const created = await rotating.createOrganizationKey('org-2', 1);
    expect(created.masterFingerprint).toBe(other.fingerprint);
  });

  test('a version is a whole number from 1', async () => {
    for (const version of [0, -1, 1.5, Number.NaN, Number.MAX_VALUE]) {
      await expect(keyring.createOrganizationKey('org-1', version)).rejects.toThrow(RangeError);
    }
  });
});
