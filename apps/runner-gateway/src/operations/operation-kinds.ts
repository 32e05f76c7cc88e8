import { issueAwsCredentials } from './kinds/issue-aws-credentials.ts';
import { ping } from './kinds/ping.ts';
import { verifyAwsAccess } from './kinds/verify-aws-access.ts';
import type { KindRules, OperationKinds } from './operation-kind.ts';

/** Every kind of operation: a new one is a file in `kinds/`, a line here and a case of `OperationInput`. */
export const operationKinds: OperationKinds = mapKinds([ping, verifyAwsAccess, issueAwsCredentials]);

/** A registry of these kinds. */
export function mapKinds(kinds: readonly KindRules[]): OperationKinds {
  return new Map(kinds.map((rules) => [rules.name, rules]));
}
