import { create } from '@bufbuild/protobuf';
import { AuthMode, type AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import {
  type AwsAuthentication,
  AwsAuthenticationSchema,
  type OperationInput,
  OperationInputSchema,
} from '@planton/api/runner/v1/operation';
import { tagValue } from '@planton/aws';
import type { FieldValues, ReferenceUse } from '../../references/reference.ts';
import type { VerificationOptions } from '../provider.ts';
import { planTrustRole, readTrustRole } from './read-trust-role.ts';
import { readAccessKey, readPlace } from './read-values.ts';
import { referencesOf } from './references-of.ts';
import { buildTrustOperation } from './trust-operation.ts';

/** Who the sessions of verifications are for, as AWS records it. */
const VERIFIER = 'planton-verification';

/** Throws `EXTERNAL_ID_MISSING` for cross-account trust without an external ID. */
export function planVerification(
  spec: AwsProviderConnectionSpec,
  connection: string,
): readonly ReferenceUse[] {
  return spec.authMode === AuthMode.CROSS_ACCOUNT_TRUST
    ? planTrustRole(spec, connection)
    : referencesOf(spec);
}

/**
 * In runner mode the runner uses what it finds where it runs; an inline key travels with the operation; a role is assumed by the platform
 * runner, with tags only where it is probed, so that other verifications cost no attempt that may be denied.
 */
export function buildVerification(
  spec: AwsProviderConnectionSpec,
  resolved: FieldValues,
  { connection, organization, probe }: VerificationOptions,
): OperationInput {
  if (spec.authMode === AuthMode.CROSS_ACCOUNT_TRUST) {
    const tags = {
      'planton:organization': tagValue(organization),
      'planton:connection': tagValue(connection),
      'planton:requester': VERIFIER,
    };
    return buildTrustOperation({
      ...readTrustRole(spec, resolved),
      sessionName: VERIFIER,
      probe,
      ...(probe && { sourceIdentity: VERIFIER, tags }),
    });
  }
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
