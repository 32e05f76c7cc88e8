import type { Caller } from '../identities/identity.ts';
import { meets, type RequestKeys } from '../policies/condition.ts';
import { matchText } from '../policies/match-text.ts';
import type { Statement, TrustPolicy } from './trust-policy.ts';

/** What a caller wants to do with a role. */
export interface TrustRequest {
  readonly caller: Caller;
  /** Such as `sts:AssumeRole`. */
  readonly action: string;
  readonly keys: RequestKeys;
}

/**
 * Whether a trust policy allows it: some statement does and none denies. That the caller's own policies allow it is taken for granted;
 * a role is assumed by nobody whom its trust policy does not allow, in the same account either.
 */
export function decideTrust({ statements }: TrustPolicy, request: TrustRequest): boolean {
  const decisive = statements.filter((statement) => applies(statement, request));
  return decisive.length > 0 && decisive.every(({ effect }) => effect === 'Allow');
}

/** Whether a service of AWS, such as `lambda.amazonaws.com`, may assume the role as itself. */
export function trustsService({ statements }: TrustPolicy, service: string): boolean {
  const decisive = statements.filter(
    ({ services, actions }) =>
      services.includes(service) && actions.some((pattern) => matchText('sts:assumerole', pattern)),
  );
  return decisive.length > 0 && decisive.every(({ effect }) => effect === 'Allow');
}

function applies(statement: Statement, { caller, action, keys }: TrustRequest): boolean {
  return (
    statement.actions.some((pattern) => matchText(action.toLowerCase(), pattern)) &&
    statement.principals.some((principal) => isPrincipal(caller, principal)) &&
    statement.conditions.every((condition) => meets(condition, keys))
  );
}

function isPrincipal(caller: Caller, principal: string): boolean {
  return (
    principal === '*' ||
    principal === caller.accountId ||
    principal === `arn:${caller.partition}:iam::${caller.accountId}:root` ||
    principal === caller.principalArn ||
    principal === caller.arn
  );
}
