import { OperationKind } from '@planton/api/runner/v1/operation';
import { defineKind } from '../operation-kind.ts';

/** Says which identity the runner itself has in AWS. Only the platform asks, of its own runner; any other refuses it. */
export const describeAwsIdentity = defineKind({
  name: 'describeAwsIdentity',
  kind: OperationKind.DESCRIBE_AWS_IDENTITY,
  idempotent: true,
  needsResultKey: false,
  isPublic: () => false,
  carriesCredentials: () => false,
  // It lends the identity to nobody.
  refusalOnPlatform: () => undefined,
});
