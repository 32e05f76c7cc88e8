import { accessDenied, malformedPolicyDocument, validationError } from '../errors/aws-error.ts';
import { describeCaller } from '../identities/describe-caller.ts';
import type { Caller, SessionContext } from '../identities/identity.ts';
import type { RequestKeys } from '../policies/condition.ts';
import {
  type IdentityPolicy,
  type PolicyDocument,
  parseIdentityPolicy,
} from '../policies/identity-policy.ts';
import type { Action } from '../server/service.ts';
import { decideTrust } from '../trust/decide-trust.ts';
import { type AssumeRoleRequest, readAssumeRole } from './read-assume-role.ts';

const CHAINED_SECONDS = 3_600;
const MOST_POLICY_CHARACTERS = 2_048;

/**
 * Gives a caller whom the role's trust policy allows the credentials of a session. Why it does not is never told: a role that is not
 * there and one that asks for another external ID are denied alike.
 */
export const assumeRole: Action = ({
  caller,
  region,
  parameters,
  now,
  findRole,
  findPolicy,
  sessions,
  note,
}) => {
  const asked = readAssumeRole(parameters);
  note(asked);
  const role = findRole(asked.roleArn);
  const keys = describeRequest(asked, caller, region);
  const denied = actionsOf(asked).find(
    (action) =>
      role?.partition !== caller.partition || !decideTrust(role.trustPolicy, { caller, action, keys }),
  );
  const inherited = caller.session?.sourceIdentity;
  if (inherited !== undefined && asked.sourceIdentity !== undefined && asked.sourceIdentity !== inherited) {
    throw accessDenied(caller.arn, 'sts:SetSourceIdentity', asked.roleArn);
  }
  if (role === undefined || denied !== undefined) {
    throw accessDenied(caller.arn, denied ?? 'sts:AssumeRole', asked.roleArn);
  }
  if (asked.durationSeconds > role.maxSessionDuration) {
    throw validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
  }
  if (caller.kind === 'session' && asked.durationSeconds > CHAINED_SECONDS) {
    throw validationError(
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
    );
  }
  const expireTime = new Date(now.getTime() + asked.durationSeconds * 1_000);
  const context = contextOf(asked, caller, findPolicy);
  const issued = sessions.issue(role, asked.roleSessionName, expireTime, context);
  return {
    AssumedRoleUser: {
      AssumedRoleId: `${role.roleId}:${asked.roleSessionName}`,
      Arn: `arn:${role.partition}:sts::${role.accountId}:assumed-role/${role.name}/${asked.roleSessionName}`,
    },
    Credentials: {
      AccessKeyId: issued.accessKeyId,
      SecretAccessKey: issued.secretAccessKey,
      SessionToken: issued.sessionToken,
      Expiration: issued.expireTime.toISOString().replace(/\.[0-9]{3}Z$/, 'Z'),
    },
    ...(asked.policy !== undefined && { PackedPolicySize: String(packedSize(asked.policy)) }),
    ...(context.sourceIdentity !== undefined && { SourceIdentity: context.sourceIdentity }),
  };
};

/** Tags and a source identity are permissions of their own in a trust policy. */
function actionsOf({ tags, sourceIdentity }: AssumeRoleRequest): readonly string[] {
  return [
    'sts:AssumeRole',
    ...(tags.size > 0 ? ['sts:TagSession'] : []),
    ...(sourceIdentity !== undefined ? ['sts:SetSourceIdentity'] : []),
  ];
}

function describeRequest(asked: AssumeRoleRequest, caller: Caller, region: string): RequestKeys {
  const { externalId, sourceIdentity } = asked;
  return new Map([
    ...describeCaller(caller, region),
    ['sts:rolesessionname', asked.roleSessionName],
    ...(externalId === undefined ? [] : ([['sts:externalid', externalId]] as const)),
    ...(sourceIdentity === undefined ? [] : ([['sts:sourceidentity', sourceIdentity]] as const)),
    ...Array.from(asked.tags, ([key, value]) => [`aws:requesttag/${key.toLowerCase()}`, value] as const),
  ]);
}

/** From role to role a source identity stays, and so do the tags that are transitive. */
function contextOf(
  asked: AssumeRoleRequest,
  { session }: Caller,
  findPolicy: (arn: string) => PolicyDocument | undefined,
): SessionContext {
  const transitive = session?.transitiveTagKeys ?? [];
  const sourceIdentity = asked.sourceIdentity ?? session?.sourceIdentity;
  const policies = sessionPoliciesOf(asked, findPolicy);
  return {
    tags: new Map([...asked.tags, ...[...(session?.tags ?? [])].filter(([key]) => transitive.includes(key))]),
    transitiveTagKeys: [...new Set([...transitive, ...asked.transitiveTagKeys])],
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    ...(policies.length > 0 && { policies }),
  };
}

/** @throws AwsError `MalformedPolicyDocument` for a policy that is not understood whole, and for the ARN of none */
function sessionPoliciesOf(
  { policy, policyArns }: AssumeRoleRequest,
  findPolicy: (arn: string) => PolicyDocument | undefined,
): readonly IdentityPolicy[] {
  try {
    return [
      ...(policy === undefined ? [] : [parseIdentityPolicy(JSON.parse(policy), 'session policy')]),
      ...policyArns.map((arn) => parseIdentityPolicy(findPolicy(arn), arn)),
    ];
  } catch {
    throw malformedPolicyDocument();
  }
}

/** Percent of what a session policy may take; AWS packs it in a way that it does not tell. */
function packedSize(policy: string): number {
  return Math.max(1, Math.round((policy.length / MOST_POLICY_CHARACTERS) * 100));
}
