import { createHash, timingSafeEqual } from 'node:crypto';
import { KeyringError } from './keyring-error.ts';

/**
 * Compares the fingerprint stored with the data to that of a master key, in constant time. Call it at every start, before anything is
 * written under the wrong key.
 *
 * @throws KeyringError `wrong_master_key`
 */
export function checkFingerprint(stored: string, actual: string): void {
  if (!equal(stored, actual)) throw wrongMasterKey();
}

/** Hashed first, because the comparison needs equal lengths and must not tell them. */
export function equal(left: string, right: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(left), digest(right));
}

export function wrongMasterKey(): KeyringError {
  return new KeyringError(
    'wrong_master_key',
    'the data were encrypted under another master key: start with that one, or give it as the previous master key to rotate',
  );
}
