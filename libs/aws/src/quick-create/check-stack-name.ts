import { type Check, fault } from '../check.ts';

export type StackNameReason = 'empty' | 'length' | 'characters';

const LONGEST = 128;

/** Refuses a name that CloudFormation would refuse for a stack. */
export function checkStackName(name: string): Check<StackNameReason> {
  if (name === '') return fault('empty', 'is empty; a stack has a name');
  if (name.length > LONGEST) {
    return fault('length', `is ${name.length} characters long; the name of a stack has at most ${LONGEST}`);
  }
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) {
    return fault('characters', 'is not a letter followed by letters, digits and hyphens');
  }
  return { ok: true };
}
