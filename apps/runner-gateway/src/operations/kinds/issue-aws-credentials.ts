import { OperationKind } from '@planton/api/runner/v1/operation';
import { defineKind } from '../operation-kind.ts';

/** Assumes a role; what comes out is sealed to whoever asked. Only a connection may ask for it. */
export const issueAwsCredentials = defineKind({
  name: 'issueAwsCredentials',
  kind: OperationKind.ISSUE_AWS_CREDENTIALS,
  idempotent: true,
  needsResultKey: true,
  isPublic: () => false,
  // None go in; those that come out fall under the same short deadline.
  carriesCredentials: () => true,
  refusalOnPlatform: ({ role }) =>
    role?.externalId ? undefined : 'the platform runner assumes no role without an external ID',
});
