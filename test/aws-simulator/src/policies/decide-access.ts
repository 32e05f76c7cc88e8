import { meets, type RequestKeys } from './condition.ts';
import type { IdentityPolicy, IdentityStatement, Patterns } from './identity-policy.ts';
import { matchArn, matchText } from './match-text.ts';

/** What somebody wants to do. */
export interface AccessRequest {
  /** Such as `cloudformation:DescribeStacks`. */
  readonly action: string;
  /** An ARN, or `*` for an action that is about no one resource. */
  readonly resource: string;
  readonly keys: RequestKeys;
}

/** `denied` where a statement says so, which nothing outweighs; `not_allowed` where none says anything. */
export type Access = 'allowed' | 'denied' | 'not_allowed';

export function decideAccess(policies: readonly IdentityPolicy[], request: AccessRequest): Access {
  const decisive = policies.flatMap(({ statements }) =>
    statements.filter((statement) => applies(statement, request)),
  );
  if (decisive.some(({ effect }) => effect === 'Deny')) return 'denied';
  return decisive.length > 0 ? 'allowed' : 'not_allowed';
}

function applies(statement: IdentityStatement, { action, resource, keys }: AccessRequest): boolean {
  const { actions, resources, conditions } = statement;
  return (
    includes(actions, (pattern) => matchText(action.toLowerCase(), pattern)) &&
    includes(resources, (pattern) => pattern === '*' || matchArn(resource, pattern)) &&
    conditions.every((condition) => meets(condition, keys))
  );
}

function includes({ patterns, negated }: Patterns, matches: (pattern: string) => boolean): boolean {
  return patterns.some(matches) !== negated;
}
