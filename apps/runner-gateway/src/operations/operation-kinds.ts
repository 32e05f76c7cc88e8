import { describeAwsIdentity } from './kinds/describe-aws-identity.ts';
import { issueAwsCredentials } from './kinds/issue-aws-credentials.ts';
import { ping } from './kinds/ping.ts';
import { verifyAwsAccess } from './kinds/verify-aws-access.ts';
import { verifyAwsTrust } from './kinds/verify-aws-trust.ts';
import { mapKinds, type OperationKinds } from './operation-kind.ts';

/** Every kind of operation: a new one is a file in `kinds/`, a line here and a case of `OperationInput`. */
export const operationKinds: OperationKinds = mapKinds([
  ping,
  verifyAwsAccess,
  issueAwsCredentials,
  describeAwsIdentity,
  verifyAwsTrust,
]);
