import type { PartitionId } from '../partitions/partition.ts';
import { type PolicyDocument, policyDocument } from './policy-document.ts';

/**
 * The policy by which a role trusts one principal of the platform, and only with an external ID.
 *
 * The account is named as the principal and the role in a condition: IAM turns a role named as the principal into its unique
 * id, and a platform role that is made anew would be locked out of every account. The second statement grants nothing by
 * itself; it lets a session that the first one allows carry tags and a source identity, for which IAM does not promise
 * `sts:ExternalId`.
 */
export function makeTrustPolicy<Value>(trusted: {
  /** ARN of the platform's account: `arn:PARTITION:iam::ACCOUNT:root`. */
  readonly accountArn: Value;
  readonly principalArn: Value;
  readonly externalId: Value;
}): PolicyDocument<Value> {
  const Principal = { AWS: trusted.accountArn };
  const ArnEquals = { 'aws:PrincipalArn': trusted.principalArn };
  return policyDocument<Value>([
    {
      Sid: 'AssumeWithExternalId',
      Effect: 'Allow',
      Principal,
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': trusted.externalId }, ArnEquals },
    },
    {
      Sid: 'AttributeSessions',
      Effect: 'Allow',
      Principal,
      Action: ['sts:TagSession', 'sts:SetSourceIdentity'],
      Condition: { ArnEquals },
    },
  ]);
}

/**
 * The trust policy for whoever makes the role without the template.
 *
 * @param trusted.partition that of the role; by default that of the principal, which is the only one that can work
 * @param trusted.principalArn a role's or user's ARN, as `checkPrincipalArn` takes it
 */
export function trustPolicy(trusted: {
  readonly partition?: PartitionId;
  readonly principalArn: string;
  readonly externalId: string;
}): PolicyDocument {
  const [, ownPartition, , , account] = trusted.principalArn.split(':');
  return makeTrustPolicy({
    accountArn: `arn:${trusted.partition ?? ownPartition}:iam::${account}:root`,
    principalArn: trusted.principalArn,
    externalId: trusted.externalId,
  });
}
