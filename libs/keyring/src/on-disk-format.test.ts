import { expect, test } from 'vitest';
import { createKeyring } from './create-keyring.ts';
import { createSealingKey } from './create-sealing-key.ts';
import { encodeContext } from './encode-context.ts';
import { openMasterKey } from './open-master-key.ts';

// Computed apart from this package, with Web Crypto, from the documented format. If one of these must change, stored secrets become unreadable: add a format instead.
const STORED = {
  master: 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=',
  masterFingerprint: '7574b60fdcbce08bb256bfc989b78c6c',
  organizationKey: 'AREREREREREREREREZ0hwKFu31i3yylhjTLbkjpFJqrI/bQrXHZ6TW8Ez8sStPvxm1FnATrAUzAX3igV+Q==',
  dataKey: 'ARMTExMTExMTExMTE7TbegLmaI/UTDE8Sjkfo5Gbl+/AzT7JP7McluqQ/CE1Rxc2pZOwJvhNmaSTL/rPlQ==',
  entry: 'ARQUFBQUFBQUFBQUFAjGjBdjJ7SK546/Cb+jktlS1yyy3RzPIrpgBibwue6q39Oy6KyJqLJcH0D+',
};

const SEALED = 'ARQUFBQUFBQUFBQUFP/sZtN4lNgY0AHFaBSWLwef5jWRHbVPS6fyX7EEasvpsiyNx0wdxRImxFTE';

const place = { organization: 'org-1', secret: 'sec-1', version: 'ver-1' };

async function openKeyring(random?: (size: number) => Buffer) {
  const env = { KEY: STORED.master };
  const master = await openMasterKey(
    { kind: 'env', name: 'KEY' },
    { createIfMissing: false, env, ...(random && { random }) },
  );
  return createKeyring({ master, ...(random && { random }) });
}

test('what the first release stored opens', async () => {
  const keyring = await openKeyring();
  expect(keyring.masterFingerprint).toBe(STORED.masterFingerprint);
  const organizationKey = await keyring.unwrapOrganizationKey('org-1', {
    version: 1,
    masterFingerprint: STORED.masterFingerprint,
    wrapped: Buffer.from(STORED.organizationKey, 'base64'),
  });
  const dataKey = keyring.unwrapDataKey(organizationKey, place, Buffer.from(STORED.dataKey, 'base64'));
  const entry = keyring.openEntry(dataKey, 'password', Buffer.from(STORED.entry, 'base64'));
  expect(entry.toString()).toBe('correct horse battery staple');
});

test('what this release stores is what the first one did', async () => {
  let calls = 0;
  const keyring = await openKeyring((size) => Buffer.alloc(size, 0x10 + calls++));
  const stored = await keyring.createOrganizationKey('org-1', 1);
  const organizationKey = await keyring.unwrapOrganizationKey('org-1', stored);
  const dataKey = keyring.newDataKey(place);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  expect({
    masterFingerprint: keyring.masterFingerprint,
    organizationKey: base64(stored.wrapped),
    dataKey: base64(keyring.wrapDataKey(organizationKey, dataKey)),
    entry: base64(keyring.sealEntry(dataKey, 'password', 'correct horse battery staple')),
  }).toEqual({
    masterFingerprint: STORED.masterFingerprint,
    organizationKey: STORED.organizationKey,
    dataKey: STORED.dataKey,
    entry: STORED.entry,
  });
});

test('a context is its parts, each with its length before it', () => {
  expect(encodeContext(['ab', '', 'é']).toString('hex')).toBe('000000026162' + '00000000' + '00000002c3a9');
  const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['', 'abc'], []];
  expect(new Set(lists.map((list) => encodeContext(list).toString('hex'))).size).toBe(lists.length);
  expect(() => encodeContext(['\udfff'])).toThrow(TypeError);
});

// Computed apart from this package, with Web Crypto, from the documented format.
test('what is sealed under a sealing key is what the first release sealed', async () => {
  const stored = Buffer.from(SEALED, 'base64');
  const place = ['operation', 'op-1'];
  const key = createSealingKey(Buffer.alloc(32, 1), 'planton/operation', (size) => Buffer.alloc(size, 0x14));
  expect(key.open(place, stored).toString()).toBe('correct horse battery staple');
  expect(key.seal(place, Buffer.from('correct horse battery staple'))).toEqual(stored);

  const context = encodeContext(['planton/operation', ...place]);
  const { subtle } = globalThis.crypto;
  const root = await subtle.importKey('raw', new Uint8Array(32).fill(1), 'HKDF', false, ['deriveKey']);
  const derived = await subtle.deriveKey(
    { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: new Uint8Array(context) },
    root,
    { name: 'AES-GCM', length: 256 },
    false,
    ['decrypt'],
  );
  const plaintext = await subtle.decrypt(
    { name: 'AES-GCM', iv: new Uint8Array(stored.subarray(1, 13)), additionalData: new Uint8Array(context) },
    derived,
    new Uint8Array(stored.subarray(13)),
  );
  expect(Buffer.from(plaintext).toString()).toBe('correct horse battery staple');
});
