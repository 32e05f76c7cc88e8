/** What a role may be used for, in the order in which it is shown. */
export const AWS_CAPABILITIES = [
  'eks',
  'ecs',
  'vpc_networking',
  's3_storage',
  'rds_database',
  'lambda_compute',
  'route53_dns',
  'cloudwatch_monitoring',
  'ecr_registry',
  'kms_encryption',
] as const;

export type AwsCapability = (typeof AWS_CAPABILITIES)[number];

const STEMS: Readonly<Record<AwsCapability, string>> = {
  eks: 'Eks',
  ecs: 'Ecs',
  vpc_networking: 'VpcNetworking',
  s3_storage: 'S3Storage',
  rds_database: 'RdsDatabase',
  lambda_compute: 'LambdaCompute',
  route53_dns: 'Route53Dns',
  cloudwatch_monitoring: 'CloudWatchMonitoring',
  ecr_registry: 'EcrRegistry',
  kms_encryption: 'KmsEncryption',
};

/** The name of a capability inside the names of the template, such as `VpcNetworking`. */
export function capabilityStem(name: AwsCapability): string {
  return STEMS[name];
}

/** The parameter of the template that switches a capability on, such as `EnableVpcNetworking`. */
export function capabilityParameter(name: AwsCapability): string {
  return `Enable${STEMS[name]}`;
}

/** The name of the role's inline policy for a capability, such as `planton-vpc-networking`. */
export function capabilityPolicyName(name: AwsCapability): string {
  return `planton-${name.replaceAll('_', '-')}`;
}

/** All policies together are more than the 10,240 characters that the inline policies of a role may have. */
const MANAGED: readonly AwsCapability[] = ['eks', 'ecs', 'vpc_networking'];

/**
 * How the template attaches the policy of a capability. Each fits into a managed policy; those that are `inline` fit together
 * into one role, beside the policy for its own stack.
 */
export function capabilityPolicyKind(name: AwsCapability): 'inline' | 'managed' {
  return MANAGED.includes(name) ? 'managed' : 'inline';
}
