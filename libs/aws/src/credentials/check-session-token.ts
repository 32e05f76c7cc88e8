import { type Check, fault } from '../check.ts';
import { faultOfPasted, type PastedReason } from './check-pasted.ts';

export type SessionTokenReason = PastedReason | 'length' | 'characters';

const SHORTEST = 16;
const LONGEST = 16_384;

/** AWS promises nothing about a session token, so this only refuses what no token can be: it has to travel in a header. */
export function checkSessionToken(value: string): Check<SessionTokenReason> {
  const pasted = faultOfPasted(value);
  if (pasted !== undefined) return pasted;
  if (value.length < SHORTEST || value.length > LONGEST) {
    return fault(
      'length',
      `is ${value.length} characters long; a session token has ${SHORTEST} to ${LONGEST}`,
    );
  }
  if (!/^[\x21-\x7e]+$/.test(value)) {
    return fault('characters', 'holds white space or characters that a session token cannot have');
  }
  return { ok: true };
}
