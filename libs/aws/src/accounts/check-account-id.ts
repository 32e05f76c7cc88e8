import { type Check, fault } from '../check.ts';

export type AccountIdReason = 'empty' | 'whitespace' | 'characters' | 'length';

/** An account id is 12 digits. Written with hyphens, as the console shows it, it is refused: AWS itself takes digits only. */
export function checkAccountId(value: string): Check<AccountIdReason> {
  if (value === '') return fault('empty', 'is empty; an account id has 12 digits');
  if (value.trim() !== value) return fault('whitespace', 'has leading or trailing white space');
  if (/^[0-9]{4}-[0-9]{4}-[0-9]{4}$/.test(value)) {
    return fault('characters', 'holds hyphens; give the 12 digits alone');
  }
  if (!/^[0-9]+$/.test(value)) return fault('characters', 'holds characters other than digits');
  if (value.length !== 12) return fault('length', `${countDigits(value.length)} given, 12 expected`);
  return { ok: true };
}

function countDigits(count: number): string {
  return count === 1 ? '1 digit' : `${count} digits`;
}
