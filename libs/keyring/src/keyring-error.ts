/**
 * - `master_key_missing`: the source holds no key
 * - `master_key_malformed`: the source's text, or what it holds, is not what it must be
 * - `master_key_permissions`: others could read or replace the file, or it cannot be read
 * - `wrong_master_key`: the data were encrypted under a master key that is neither the current nor the previous one
 * - `tampered`: a ciphertext is damaged, cut, of an unknown format, or belongs to another place
 */
export type KeyringErrorReason =
  | 'master_key_missing'
  | 'master_key_malformed'
  | 'master_key_permissions'
  | 'wrong_master_key'
  | 'tampered';

/** The one error of this package for what comes from outside. Never holds key material or plaintext, nor a cause that could. */
export class KeyringError extends Error {
  override readonly name = 'KeyringError';
  readonly reason: KeyringErrorReason;

  constructor(reason: KeyringErrorReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
