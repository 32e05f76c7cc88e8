import { type Check, fault } from '../check.ts';
import { faultOfPasted, type PastedReason } from './check-pasted.ts';

export type SecretAccessKeyReason = PastedReason | 'length' | 'characters';

const LENGTH = 40;

/** A secret access key is 40 of `[0-9a-zA-Z/+]`. */
export function checkSecretAccessKey(value: string): Check<SecretAccessKeyReason> {
  const pasted = faultOfPasted(value);
  if (pasted !== undefined) return pasted;
  if (value.length !== LENGTH) {
    return fault('length', `is ${value.length} characters long; a secret access key has ${LENGTH}`);
  }
  if (!/^[0-9a-zA-Z/+]+$/.test(value)) {
    return fault('characters', 'holds characters other than letters, digits, / and +');
  }
  return { ok: true };
}
