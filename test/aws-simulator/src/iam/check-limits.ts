import { limitExceeded } from '../errors/aws-error.ts';
import type { ManagedPolicy, Role } from '../identities/identity.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';

const MOST_INLINE = 10_240;
const MOST_MANAGED = 6_144;
const MOST_TRUST = 2_048;
const MOST_ATTACHED = 10;

/** @throws AwsError `LimitExceeded` where a role is larger than the quotas that an account has unless it asks for more */
export function checkRoleLimits({ name, trustPolicy, policies = {}, managedPolicyArns = [] }: Role): void {
  const inline = Object.values(policies).reduce((sum, document) => sum + sizeOf(document), 0);
  if (inline > MOST_INLINE) {
    throw limitExceeded(`Maximum policy size of ${MOST_INLINE} bytes exceeded for role ${name}`);
  }
  if (sizeOf(trustPolicy) > MOST_TRUST) {
    throw limitExceeded(`Cannot exceed quota for ACLSizePerRole: ${MOST_TRUST}`);
  }
  if (managedPolicyArns.length > MOST_ATTACHED) {
    throw limitExceeded(`Cannot exceed quota for PoliciesPerRole: ${MOST_ATTACHED}`);
  }
}

/** @throws AwsError `LimitExceeded` */
export function checkPolicyLimits({ document }: ManagedPolicy): void {
  if (sizeOf(document) > MOST_MANAGED) {
    throw limitExceeded(`Cannot exceed quota for PolicySize: ${MOST_MANAGED}`);
  }
}

/** Characters, without the white space between them. */
function sizeOf(document: PolicyDocument): number {
  return JSON.stringify(document).length;
}
