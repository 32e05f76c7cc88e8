import {
  AWS_CAPABILITIES,
  type AwsCapability,
  capabilityParameter,
  capabilityPolicyKind,
  capabilityPolicyName,
  capabilityStem,
} from './capability.ts';
import { OWN_STACK } from './own-stack-policy.ts';
import { PERMISSIONS } from './permissions/permissions.ts';
import { PARTITION } from './pseudo-parameters.ts';
import { substitutable } from './resolve-pseudo-parameters.ts';
import { TEMPLATE_VERSION } from './template-version.ts';
import { makeTrustPolicy } from './trust-policy.ts';

export const NO_VALUE = { Ref: 'AWS::NoValue' };

/** On everything that takes tags. */
export const TAGS = [
  { Key: 'planton:managed-by', Value: 'planton-connect' },
  { Key: 'planton:template-version', Value: TEMPLATE_VERSION },
  {
    'Fn::If': ['HasSetupId', { Key: 'planton:setup-id', Value: { Ref: 'SetupId' } }, NO_VALUE],
  },
];

/** For every role of the stack: whoever requires a boundary requires it everywhere. */
export const PERMISSIONS_BOUNDARY = {
  'Fn::If': ['HasPermissionsBoundary', { Ref: 'PermissionsBoundaryArn' }, NO_VALUE],
};

export function capabilityCondition(name: AwsCapability): string {
  return `Has${capabilityStem(name)}`;
}

/** Never changes: CloudFormation would make a policy of the same name before it removes the one there is. */
export function capabilityPolicyId(name: AwsCapability): string {
  return `${capabilityStem(name)}Policy`;
}

export function defineCapabilityConditions() {
  return Object.fromEntries(
    AWS_CAPABILITIES.map((name) => [
      capabilityCondition(name),
      { 'Fn::Equals': [{ Ref: capabilityParameter(name) }, 'true'] },
    ]),
  );
}

/** The role that the platform assumes. It may look at its own stack from the start; what else it may do comes from policies. */
export function defineRole() {
  const account = { 'Fn::Select': [4, { 'Fn::Split': [':', { Ref: 'PlatformPrincipalArn' }] }] };
  return {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: {
        RoleName: { Ref: 'RoleName' },
        Description: 'Lets Planton Connect manage resources in this account.',
        AssumeRolePolicyDocument: makeTrustPolicy<unknown>({
          accountArn: {
            'Fn::Sub': [`arn:${PARTITION}:iam::\${PlatformAccount}:root`, { PlatformAccount: account }],
          },
          principalArn: { Ref: 'PlatformPrincipalArn' },
          externalId: { Ref: 'ExternalId' },
        }),
        MaxSessionDuration: { Ref: 'MaxSessionDuration' },
        PermissionsBoundary: PERMISSIONS_BOUNDARY,
        Policies: [{ PolicyName: 'planton-own-stack', PolicyDocument: substitutable(OWN_STACK) }],
        Tags: TAGS,
      },
    },
  };
}

/** One policy for each capability, by logical id. */
export function defineCapabilityPolicies() {
  return Object.fromEntries(AWS_CAPABILITIES.map((name) => [capabilityPolicyId(name), definePolicy(name)]));
}

function definePolicy(name: AwsCapability) {
  const Condition = capabilityCondition(name);
  const PolicyDocument = substitutable(PERMISSIONS[name]);
  const role = { Ref: 'Role' };
  return capabilityPolicyKind(name) === 'managed'
    ? { Type: 'AWS::IAM::ManagedPolicy', Condition, Properties: { Roles: [role], PolicyDocument } }
    : {
        Type: 'AWS::IAM::RolePolicy',
        Condition,
        Properties: { RoleName: role, PolicyName: capabilityPolicyName(name), PolicyDocument },
      };
}
