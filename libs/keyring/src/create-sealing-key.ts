import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { encodeContext } from './encode-context.ts';
import { intoKey, KEY_BYTES, open, type RandomBytes, seal, tampered } from './seal.ts';

/** HKDF takes no more, and a place is a few uids. */
const LONGEST_CONTEXT = 1_024;

/**
 * Seals under one lasting secret what lives for a short time in many places, such as the payload of an operation. Each place has a key
 * of its own, so that however much is sealed under the secret, no key comes near the number of nonces that it can have: a place may
 * seal 2^32 times.
 *
 * Stored are the bytes of `seal`: format, nonce, ciphertext, tag. The key is HKDF-SHA256 (RFC 5869) of the secret without a salt, its
 * info the purpose and the place as `encodeContext` writes them; the same bytes are the additional data.
 */
export interface SealingKey {
  /**
   * @param place what the plaintext belongs to, by uids; `open` needs the same
   * @throws TypeError for a place with lone surrogates
   * @throws RangeError for a place of more than a kilobyte
   */
  seal(place: readonly string[], plaintext: Uint8Array): Buffer;
  /**
   * The caller may overwrite the result after use.
   *
   * @throws KeyringError `tampered`, whatever did not fit: secret, purpose, place or ciphertext
   */
  open(place: readonly string[], sealed: Uint8Array): Buffer;
}

/**
 * @param secret 32 random bytes; copied, so the caller may overwrite them
 * @param purpose keeps apart what is sealed under one secret for different ends, such as `planton/operation`
 * @throws RangeError when the secret has another length
 */
export function createSealingKey(
  secret: Uint8Array,
  purpose: string,
  random: RandomBytes = randomBytes,
): SealingKey {
  if (secret.length !== KEY_BYTES) {
    throw new RangeError(`the secret of a sealing key has ${secret.length} bytes; it needs ${KEY_BYTES}`);
  }
  const root = createSecretKey(secret);
  const contextOf = (place: readonly string[]) => encodeContext([purpose, ...place]);

  return {
    seal: (place, plaintext) => {
      const context = contextOf(place);
      if (context.length > LONGEST_CONTEXT) {
        throw new RangeError(`a place of ${context.length} bytes; at most ${LONGEST_CONTEXT} can be sealed`);
      }
      return seal(deriveKey(root, context), plaintext, context, random);
    },
    open: (place, sealed) => {
      if (!place.every((part) => part.isWellFormed())) throw tampered();
      const context = contextOf(place);
      if (context.length > LONGEST_CONTEXT) throw tampered();
      return open(deriveKey(root, context), sealed, context);
    },
  };
}

function deriveKey(root: KeyObject, context: Buffer): KeyObject {
  return intoKey(Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), context, KEY_BYTES)));
}
