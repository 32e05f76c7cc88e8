import {
  callerPolicy,
  externalId,
  organizationPolicy,
  propagating,
  trustPolicy,
  webIdentityTrust,
} from './describe-cause.ts';
import type { AwsFailureCause, AwsFailureContext } from './failure.ts';

/** How AWS says that a policy decided, where it says it. */
const DENIED = '(?:with an explicit deny in (?:an?|the)|because no)';
const GUARDRAIL = new RegExp(
  `${DENIED} (?:service control policy|resource control policy|permissions boundary|VPC endpoint policy|session policy)`,
);
const CALLER = new RegExp(`${DENIED} identity-based policy`);
const TRUST = new RegExp(`${DENIED} (?:resource-based|role trust|trust) policy`);

/**
 * Why AWS denied. Asking who one is needs no permission, and so only a policy above the account can deny it. Of AssumeRole AWS says the
 * same about a missing role, an untrusted caller and a wrong external ID; where it names the sort of policy that decided, that was observed.
 */
export function explainDenial(message: string, context: AwsFailureContext): readonly AwsFailureCause[] {
  const explicit = message.includes('with an explicit deny');
  if (GUARDRAIL.test(message)) return [organizationPolicy(context)];
  if (CALLER.test(message)) return [callerPolicy(), ...(explicit ? [] : [trustPolicy(context)])];
  if (explicit && TRUST.test(message)) return [trustPolicy(context)];
  if (/sts:AssumeRoleWith(WebIdentity|SAML)/.test(message)) {
    return [webIdentityTrust(), organizationPolicy(context), propagating()];
  }
  if (TRUST.test(message)) return [trustPolicy(context), externalId(context), propagating()];
  if (context.method === 'role' || /sts:AssumeRole\b/.test(message)) {
    return [trustPolicy(context), externalId(context), organizationPolicy(context), propagating()];
  }
  return [organizationPolicy(context)];
}
