import { OperationKind } from '@planton/api/runner/v1/operation';
import { defineKind } from '../operation-kind.ts';

/** Finds out whether a role lets the runner in, and others. Only a connection may ask for it: its external ID is kept like a secret. */
export const verifyAwsTrust = defineKind({
  name: 'verifyAwsTrust',
  kind: OperationKind.VERIFY_AWS_TRUST,
  idempotent: true,
  needsResultKey: false,
  isPublic: () => false,
  carriesCredentials: () => true,
  refusalOnPlatform: ({ role }) =>
    role?.externalId ? undefined : 'the platform runner assumes no role without an external ID',
});
