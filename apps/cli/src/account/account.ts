import type { Client } from '@connectrpc/connect';
import { type Account, AccountSchema, SignInMethod } from '@planton/api/identity/v1/account';
import type { Identity } from '@planton/api/identity/v1/identity_service';
import { notFound } from '../errors/cli-error.ts';
import { formatEnum } from '../output/format-enum.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How accounts are printed. */
export const accounts: Printable<Account> = {
  schema: AccountSchema,
  columns: [
    ['NAME', ({ name }) => name],
    ['EMAIL', ({ email }) => email],
    ['SIGNS IN WITH', ({ signInMethods }) => formatMethods(signInMethods)],
    ['ORGANISATIONS', ({ organizationCount }) => String(organizationCount)],
    ['STATE', ({ disableTime, instanceOwner }) => formatState(formatTime(disableTime), instanceOwner)],
    ['UID', ({ uid }) => uid],
  ],
};

function formatMethods(methods: readonly SignInMethod[]): string {
  return methods.map((method) => formatEnum(SignInMethod, method)).join(', ');
}

function formatState(disabledSince: string, owner: boolean): string {
  if (disabledSince !== '') return `disabled since ${disabledSince}`;
  return owner ? 'owns this server' : 'good';
}

/**
 * The uid of the account that an address stands for; a uid stands for itself.
 *
 * @throws CliError when nobody has the address
 */
export async function accountUidOf(identity: Client<typeof Identity>, emailOrUid: string): Promise<string> {
  if (!emailOrUid.includes('@')) return emailOrUid;
  const { accounts: found } = await identity.listAccounts({ email: emailOrUid });
  const [account] = found;
  if (account) return account.uid;
  throw notFound(`nobody has the e-mail address ${emailOrUid} here`, 'planton account list');
}
