import { describeAwsIdentity } from './aws/describe-aws-identity.ts';
import { issueAwsCredentials } from './aws/issue-aws-credentials.ts';
import { verifyAwsAccess } from './aws/verify-aws-access.ts';
import { verifyAwsTrust } from './aws/verify-aws-trust.ts';
import type { RegisteredKind } from './operation-kind.ts';
import { ping } from './ping/ping.ts';

/** Every kind of operation that a runner carries out. A new one is a file and a word here. */
export const operationKinds: readonly RegisteredKind[] = [
  ping,
  verifyAwsAccess,
  issueAwsCredentials,
  describeAwsIdentity,
  verifyAwsTrust,
];
