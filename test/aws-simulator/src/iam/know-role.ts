import { formatRoleArn, parseRoleArn } from '@planton/aws';
import { noSuchEntity } from '../errors/aws-error.ts';
import { deriveUniqueId } from '../identities/derive-unique-id.ts';
import type { Account, KnownRole, Role } from '../identities/identity.ts';
import {
  type IdentityPolicy,
  type PolicyDocument,
  parseIdentityPolicy,
} from '../policies/identity-policy.ts';
import { parseTrustPolicy } from '../trust/trust-policy.ts';
import { checkRoleLimits } from './check-limits.ts';

const SHORTEST_MAXIMUM = 3_600;
const LONGEST_MAXIMUM = 43_200;

export function arnOf(account: Pick<Account, 'id' | 'partition'>, { name, path = '/' }: Role): string {
  return formatRoleArn({ partition: account.partition ?? 'aws', accountId: account.id, path, name });
}

/**
 * @param creation how many roles of this ARN there were before
 * @throws Error that names the role and what is wrong with it
 */
export function knowRole(
  account: Pick<Account, 'id' | 'partition'>,
  role: Role,
  creation: number,
  findPolicy: (arn: string) => PolicyDocument | undefined,
): KnownRole {
  const { name, maxSessionDuration = SHORTEST_MAXIMUM, permissionsBoundaryArn } = role;
  const arn = arnOf(account, role);
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
  checkRoleLimits(role);
  const managed = (policyArn: string): IdentityPolicy => {
    const document = findPolicy(policyArn);
    if (document === undefined) {
      throw noSuchEntity(`Policy ${policyArn} does not exist or is not attachable.`);
    }
    return parseIdentityPolicy(document, policyArn);
  };
  return {
    accountId: account.id,
    partition: account.partition ?? 'aws',
    name,
    arn,
    roleId: deriveUniqueId('AROA', creation === 0 ? arn : `${arn} ${creation}`),
    trustPolicy: parseTrustPolicy(role.trustPolicy, arn),
    maxSessionDuration,
    policies: [
      ...Object.entries(role.policies ?? {}).map(([policyName, document]) =>
        parseIdentityPolicy(document, `${arn}: policy ${policyName}`),
      ),
      ...(role.managedPolicyArns ?? []).map(managed),
    ],
    ...(permissionsBoundaryArn !== undefined && { boundary: managed(permissionsBoundaryArn) }),
  };
}
