import { OperationKind } from '@planton/api/runner/v1/operation';
import { defineKind } from '../operation-kind.ts';

/** Asks AWS who the caller is. With credentials, or through the platform, only a connection may ask for it. */
export const verifyAwsAccess = defineKind({
  name: 'verifyAwsAccess',
  kind: OperationKind.VERIFY_AWS_ACCESS,
  idempotent: true,
  needsResultKey: false,
  isPublic: ({ authentication }) => authentication?.method.case === 'defaultChain',
  carriesCredentials: ({ authentication }) => authentication?.method.case === 'accessKey',
  refusalOnPlatform: ({ authentication }) => {
    const method = authentication?.method;
    if (method?.case === 'defaultChain')
      return 'the platform runner never uses its own identity for a tenant';
    if (method?.case === 'role' && method.value.externalId === '')
      return 'the platform runner assumes no role without an external ID';
    return undefined;
  },
});
