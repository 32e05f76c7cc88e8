import { checkAccessKeyId, checkAccountId, checkSecretAccessKey } from '@planton/aws';
import { deriveUniqueId } from './derive-unique-id.ts';
import type { AccessKey, Account, Caller, Credential, FindCredential } from './identity.ts';

/**
 * Finds credentials by access key id.
 *
 * @throws Error that names the account, user and field that is wrong, never a key's value
 */
export function indexCredentials(accounts: readonly Account[]): FindCredential {
  const credentials = new Map<string, Credential>();
  for (const account of accounts) {
    const checked = checkAccountId(account.id);
    if (!checked.ok) throw new Error(`account id: ${checked.message}`);
    for (const user of account.users) {
      if (!/^[\w+=,.@-]{1,64}$/.test(user.name)) {
        throw new Error(`account ${account.id}: a user name is 1 to 64 letters, digits and _+=,.@-`);
      }
      const caller = describeUser(account, user.name);
      for (const key of user.accessKeys) {
        const credential = toCredential(key, caller);
        if (credentials.has(key.accessKeyId)) throw new Error(`${caller.arn}: access key id is used twice`);
        credentials.set(key.accessKeyId, credential);
      }
    }
  }
  return (accessKeyId) => credentials.get(accessKeyId);
}

function toCredential(key: AccessKey, caller: Caller): Credential {
  const accessKeyId = checkAccessKeyId(key.accessKeyId);
  if (!accessKeyId.ok) throw new Error(`${caller.arn}: access key id ${accessKeyId.message}`);
  if (accessKeyId.value !== 'long_term') {
    throw new Error(`${caller.arn}: access key id is a temporary one; the keys of a user start with AKIA`);
  }
  const secretAccessKey = checkSecretAccessKey(key.secretAccessKey);
  if (!secretAccessKey.ok) throw new Error(`${caller.arn}: secret access key ${secretAccessKey.message}`);
  return {
    accessKeyId: key.accessKeyId,
    secretAccessKey: key.secretAccessKey,
    active: key.status !== 'Inactive',
    caller,
  };
}

function describeUser(account: Account, name: string): Caller {
  const partition = account.partition ?? 'aws';
  const arn = `arn:${partition}:iam::${account.id}:user/${name}`;
  return {
    kind: 'user',
    accountId: account.id,
    partition,
    arn,
    principalArn: arn,
    userId: deriveUniqueId('AIDA', arn),
  };
}
