import { checkAccountId } from '../accounts/check-account-id.ts';
import type { AwsFailureCause } from './failure.ts';

/** Undefined where AWS answered for the account that was expected. */
export function compareAccount(expected: string, actual: string): AwsFailureCause | undefined {
  if (expected === actual) return undefined;
  const answered = checkAccountId(actual).ok ? `account ${actual}` : 'something that is no account';
  return {
    code: 'WRONG_ACCOUNT',
    message: `The credentials are of ${answered}, not of account ${expected}.`,
    hint: `Use credentials of account ${expected}, or correct account_id in the manifest and apply it again.`,
  };
}
