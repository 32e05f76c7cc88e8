import { type Caller, denied, missing } from '@planton/rpc';
import type { Kysely, Selectable } from 'kysely';
import type { IdentityTables, SubjectTable } from '../schema.ts';
import { listAccountsOf, lockWithOwners, type SeenAccount } from './account-store.ts';

/** An account whose change has been allowed and whose tokens are held back until the transaction ends. */
export interface OpenAccount {
  readonly subject: Selectable<SubjectTable>;
  /** How many others own the instance and may sign in. */
  readonly otherOwners: number;
}

/**
 * Locks an account with the owners of the instance, so that two of them who disable each other do not both succeed, and checks that the
 * caller is one still.
 *
 * Throws `INSTANCE_OWNER_ONLY`, `ACCOUNT_NOT_FOUND`.
 */
export async function openAccount(
  tx: Kysely<IdentityTables>,
  caller: Caller,
  uid: string,
): Promise<OpenAccount> {
  const locked = await lockWithOwners(tx, uid);
  const owners = locked.filter((each) => each.instance_owner && each.disable_time === null);
  if (!owners.some((owner) => owner.uid === caller.subject.uid)) {
    throw denied('INSTANCE_OWNER_ONLY', 'only the owner of this server may do this', {
      hint: 'planton auth whoami',
    });
  }
  const subject = locked.find((each) => each.uid === uid);
  if (!subject) {
    throw missing('ACCOUNT_NOT_FOUND', 'there is no account with this uid', { hint: 'planton account list' });
  }
  return { subject, otherOwners: owners.filter((owner) => owner.uid !== uid).length };
}

/** The account as it is now. */
export async function readAccount(tx: Kysely<IdentityTables>, uid: string): Promise<SeenAccount> {
  const [account] = await listAccountsOf(tx, { uid }, 1);
  if (!account) throw new Error('an account that is locked is not there');
  return account;
}
