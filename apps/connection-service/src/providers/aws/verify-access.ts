import { create } from '@bufbuild/protobuf';
import { AuthMode, type AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import {
  type AwsAuthentication,
  AwsAuthenticationSchema,
  type OperationInput,
  OperationInputSchema,
} from '@planton/api/runner/v1/operation';
import { state } from '@planton/rpc';
import type { FieldValues, ReferenceUse } from '../../references/reference.ts';
import { readAccessKey, readPlace } from './read-values.ts';
import { referencesOf } from './references-of.ts';

/** Throws `AUTH_MODE_NOT_AVAILABLE` for a mode that no runner can try. */
export function planVerification(
  spec: AwsProviderConnectionSpec,
  connection: string,
): readonly ReferenceUse[] {
  if (spec.authMode === AuthMode.CROSS_ACCOUNT_TRUST) {
    throw state(
      'AUTH_MODE_NOT_AVAILABLE',
      `connection "${connection}" uses auth_mode cross_account_trust: this release assumes no role, so there is nothing to verify`,
      {
        hint: 'planton explain AwsProviderConnection shows the modes',
        metadata: { connection, auth_mode: 'cross_account_trust' },
      },
    );
  }
  return referencesOf(spec);
}

/** In runner mode the runner uses what it finds where it runs; an inline key travels with the operation. */
export function buildVerification(spec: AwsProviderConnectionSpec, resolved: FieldValues): OperationInput {
  const authentication = authenticationOf(spec, resolved);
  return create(OperationInputSchema, {
    kind: { case: 'verifyAwsAccess', value: { ...readPlace(spec, resolved), authentication } },
  });
}

function authenticationOf(spec: AwsProviderConnectionSpec, resolved: FieldValues): AwsAuthentication {
  if (spec.authMode === AuthMode.RUNNER) {
    return create(AwsAuthenticationSchema, { method: { case: 'defaultChain', value: {} } });
  }
  const { sessionToken = '', ...key } = readAccessKey(spec, resolved);
  return create(AwsAuthenticationSchema, {
    method: { case: 'accessKey', value: { ...key, sessionToken } },
  });
}
