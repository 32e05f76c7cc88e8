import { checkPrincipalArn } from './check-principal-arn.ts';
import { parseArn } from './parse-arn.ts';

/**
 * Whether a caller is the principal: `callerArn` is what STS answers to GetCallerIdentity. A session is compared by partition,
 * account and name of its role, which are unique together; its ARN does not have the path. Anything that is neither a session
 * of a role nor a user is nobody's.
 */
export function samePrincipal(principalArn: string, callerArn: string): boolean {
  const principal = checkPrincipalArn(principalArn);
  if (!principal.ok) return false;
  if (principal.value.kind === 'user') return callerArn === principalArn;
  const caller = parseArn(callerArn);
  if (!caller.ok) return false;
  const { partition, service, region, accountId, resource } = caller.value;
  const role = /^assumed-role\/([\w+=,.@-]{1,64})\/[\w+=,.@-]{2,64}$/.exec(resource)?.[1];
  return (
    service === 'sts' &&
    region === '' &&
    partition === principal.value.partition &&
    accountId === principal.value.accountId &&
    role === principal.value.name
  );
}
