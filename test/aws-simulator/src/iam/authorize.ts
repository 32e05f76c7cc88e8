import { accessDenied } from '../errors/aws-error.ts';
import { describeCaller } from '../identities/describe-caller.ts';
import type { Caller, FindRole } from '../identities/identity.ts';
import { decideAccess } from '../policies/decide-access.ts';
import type { IdentityPolicy } from '../policies/identity-policy.ts';

/**
 * Returns when the caller may do it. A user may do everything in the account. A session may do what its role's policies allow, and the
 * role's boundary and the session's own policies too where there are any; nobody anything in another account.
 *
 * @param resource an ARN, or `*` for an action that is about no one resource
 * @throws AwsError `AccessDenied`
 */
export function authorize(
  caller: Caller,
  action: string,
  resource: string,
  region: string,
  findRole: FindRole,
): void {
  const deny = (why: string) =>
    accessDenied(caller.arn, action, resource, why.replace('ACTION', `${action} action`));
  const owner = resource.split(':')[4];
  if (owner !== undefined && owner !== caller.accountId) {
    throw deny('because no resource-based policy allows the ACTION');
  }
  if (caller.kind === 'user') return;
  const keys = new Map([...describeCaller(caller, region), ['aws:resourceaccount', caller.accountId]]);
  const role = findRole(caller.principalArn);
  const sources: readonly (readonly [string, readonly IdentityPolicy[] | undefined])[] = [
    ['identity-based policy', role?.policies ?? []],
    ['permissions boundary', role?.boundary && [role.boundary]],
    ['session policy', caller.session?.policies],
  ];
  const decisions = sources.flatMap(([kind, policies]) =>
    policies === undefined ? [] : [{ kind, access: decideAccess(policies, { action, resource, keys }) }],
  );
  const denied = decisions.find(({ access }) => access === 'denied');
  if (denied !== undefined) throw deny(`with an explicit deny in ${articleOf(denied.kind)} ${denied.kind}`);
  const missing = decisions.find(({ access }) => access === 'not_allowed');
  if (missing !== undefined) throw deny(`because no ${missing.kind} allows the ACTION`);
}

function articleOf(noun: string): string {
  return /^[aeiou]/.test(noun) ? 'an' : 'a';
}
