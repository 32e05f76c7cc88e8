import { formatRoleArn, parseRoleArn } from '@planton/aws';
import { parseTrustPolicy } from '../trust/trust-policy.ts';
import { deriveUniqueId } from './derive-unique-id.ts';
import type { Account, FindRole, KnownRole, Role } from './identity.ts';

const SHORTEST_MAXIMUM = 3_600;
const LONGEST_MAXIMUM = 43_200;

/**
 * Finds roles by ARN, compared exactly and with its path.
 *
 * @throws Error that names the role and what is wrong with it
 */
export function indexRoles(accounts: readonly Account[]): FindRole {
  const roles = new Map<string, KnownRole>();
  const names = new Set<string>();
  for (const account of accounts) {
    for (const role of account.roles ?? []) {
      const known = toKnown(account, role);
      const name = `${known.partition}:${account.id}:${role.name.toLowerCase()}`;
      if (names.has(name)) throw new Error(`${known.arn}: there is another role of this name`);
      names.add(name);
      roles.set(known.arn, known);
    }
  }
  return (arn) => roles.get(arn);
}

function toKnown(account: Account, role: Role): KnownRole {
  const { name, path = '/', maxSessionDuration = SHORTEST_MAXIMUM } = role;
  const partition = account.partition ?? 'aws';
  const arn = formatRoleArn({ partition, accountId: account.id, path, name });
  const where = `role ${JSON.stringify(name)} of account ${account.id}`;
  const checked = parseRoleArn(arn);
  if (!checked.ok) throw new Error(`${where}: its ARN ${checked.message}`);
  if (checked.value.name !== name) throw new Error(`${where}: its ARN would be read as that of another name`);
  if (
    !Number.isInteger(maxSessionDuration) ||
    maxSessionDuration < SHORTEST_MAXIMUM ||
    maxSessionDuration > LONGEST_MAXIMUM
  ) {
    throw new Error(`${arn}: maxSessionDuration is not ${SHORTEST_MAXIMUM} to ${LONGEST_MAXIMUM} seconds`);
  }
  const trustPolicy = parseTrustPolicy(role.trustPolicy, arn);
  return {
    accountId: account.id,
    partition,
    name,
    arn,
    roleId: deriveUniqueId('AROA', arn),
    trustPolicy,
    maxSessionDuration,
  };
}
