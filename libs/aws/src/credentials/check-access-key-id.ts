import { fault, type Parsed } from '../check.ts';
import { faultOfPasted, type PastedReason } from './check-pasted.ts';

/** A `temporary` key works only together with its session token. */
export type AccessKeyKind = 'long_term' | 'temporary';

export type AccessKeyIdReason = PastedReason | 'length' | 'characters' | 'prefix';

const LENGTH = 20;

/** Unique ids that AWS shows beside access keys, and that are mistaken for them. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ['ABIA', 'an STS bearer token'],
  ['ACCA', 'a context-specific credential'],
  ['AGPA', 'a user group'],
  ['AIDA', 'an IAM user'],
  ['AIPA', 'an instance profile'],
  ['ANPA', 'a managed policy'],
  ['ANVA', 'a version of a managed policy'],
  ['APKA', 'a public key'],
  ['AROA', 'an IAM role'],
  ['ASCA', 'a certificate'],
]);

/** Says which kind of access key the id is of. */
export function checkAccessKeyId(value: string): Parsed<AccessKeyKind, AccessKeyIdReason> {
  const pasted = faultOfPasted(value);
  if (pasted !== undefined) return pasted;
  if (value.length !== LENGTH) {
    return fault('length', `is ${value.length} characters long; an access key id has ${LENGTH}`);
  }
  if (!/^[A-Z0-9]+$/.test(value)) {
    return fault('characters', 'holds characters other than capital letters and digits');
  }
  const prefix = value.slice(0, 4);
  if (prefix === 'AKIA') return { ok: true, value: 'long_term' };
  if (prefix === 'ASIA') return { ok: true, value: 'temporary' };
  const other = OTHERS.get(prefix);
  if (other !== undefined) {
    return fault('prefix', `is the unique id of ${other}; an access key id starts with AKIA or ASIA`);
  }
  return fault('prefix', 'does not start with AKIA (long-term) or ASIA (temporary)');
}
