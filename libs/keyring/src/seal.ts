import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { KeyringError } from './keyring-error.ts';

/** Cryptographically secure bytes. Replaced only to make a test's output known. */
export type RandomBytes = (size: number) => Buffer;

export const KEY_BYTES = 32;
const ALGORITHM = 'aes-256-gcm';
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OVERHEAD = 1 + NONCE_BYTES + TAG_BYTES;

/**
 * AES-256-GCM. The result is the format (1 byte, 0x01), the nonce (12), the ciphertext (as long as the plaintext) and the tag (16).
 *
 * Nonces are random, so a key may seal 2^32 times before two of them meet with a chance that matters (2^-32, NIST SP 800-38D). The
 * hierarchy stays far below: a data key seals the entries of one secret version, an organisation key one data key for each version
 * and rotation, the master key one organisation key for each rotation, and a sealing key has a key for each place.
 *
 * @param context authenticated and not stored; `open` needs the same
 */
export function seal(
  key: KeyObject,
  plaintext: Uint8Array,
  context: Uint8Array,
  random: RandomBytes,
): Buffer {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(context);
  const body = cipher.update(plaintext);
  return Buffer.concat([Buffer.of(FORMAT), nonce, body, cipher.final(), cipher.getAuthTag()]);
}

/** @throws KeyringError `tampered`, without saying which of key, context or ciphertext did not fit */
export function open(key: KeyObject, sealed: Uint8Array, context: Uint8Array): Buffer {
  if (sealed.length < OVERHEAD || sealed[0] !== FORMAT) throw tampered();
  const bodyStart = 1 + NONCE_BYTES;
  const tagStart = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1, bodyStart), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(tagStart));
  const plaintext = decipher.update(sealed.subarray(bodyStart, tagStart));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    throw tampered();
  }
  return plaintext;
}

/** Moves key bytes out of the JavaScript heap, where they cannot be printed, and overwrites the given ones. */
export function intoKey(bytes: Buffer): KeyObject {
  try {
    if (bytes.length !== KEY_BYTES) throw tampered();
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Lends the bytes of a key to `use` and overwrites them afterwards. */
export function withKeyBytes<T>(key: KeyObject, use: (bytes: Buffer) => T): T {
  const bytes = key.export();
  try {
    return use(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** Says that a ciphertext does not open, and no more: which part did not fit would help whoever altered it. */
export function tampered(): KeyringError {
  return new KeyringError(
    'tampered',
    'a ciphertext does not decrypt: it is damaged, or belongs to another place or key',
  );
}
