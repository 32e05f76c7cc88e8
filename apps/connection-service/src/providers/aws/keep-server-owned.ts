import { clone, equals } from '@bufbuild/protobuf';
import { SecretReferenceSchema } from '@planton/api/common/v1/reference';
import {
  AuthMode,
  type AwsProviderConnectionSpec,
  AwsProviderConnectionSpecSchema,
} from '@planton/api/connect/v1/aws_provider_connection';
import { invalid, state } from '@planton/rpc';

/**
 * The external ID and the stack belong to the server: a manifest may repeat what is stored, so that `get | apply` changes nothing,
 * and may leave them out. A connection gets cross-account trust, and another role, through the set-up alone: it mints the external ID,
 * and connects no role that was not shown to keep others out. Whoever could name a role here could name that of another customer who
 * forgot to ask for an external ID.
 *
 * Throws `SERVER_OWNED_FIELD` or `TRUST_SETUP_REQUIRED`.
 */
export function keepServerOwned(
  given: AwsProviderConnectionSpec,
  stored: AwsProviderConnectionSpec | undefined,
): AwsProviderConnectionSpec {
  const storedId = stored?.externalId;
  if (given.externalId && !(storedId && equals(SecretReferenceSchema, given.externalId, storedId))) {
    throw serverOwned('spec.external_id');
  }
  const storedStack = stored?.cloudFormationStackId ?? '';
  if (given.cloudFormationStackId !== '' && given.cloudFormationStackId !== storedStack) {
    throw serverOwned('spec.cloud_formation_stack_id');
  }

  const spec = clone(AwsProviderConnectionSpecSchema, given);
  if (spec.authMode !== AuthMode.CROSS_ACCOUNT_TRUST) {
    delete spec.externalId;
    spec.cloudFormationStackId = '';
    return spec;
  }
  if (stored?.authMode !== AuthMode.CROSS_ACCOUNT_TRUST) {
    throw setupRequired(
      'spec.auth_mode: cross_account_trust is set up by the server, which mints the external ID that the role has to demand',
      'planton connect aws --name NAME --account-id ACCOUNT, with --reconnect for a connection that exists',
    );
  }
  if (given.iamRoleArn !== stored.iamRoleArn) {
    throw setupRequired(
      `spec.iam_role_arn: the role was verified when it was connected, and is ${stored.iamRoleArn}; another one has to be verified first`,
      'planton connect aws --name NAME --account-id ACCOUNT --reconnect, with --no-stack for a role of your own',
    );
  }
  if (storedId) spec.externalId = storedId;
  spec.cloudFormationStackId = storedStack;
  return spec;
}

function setupRequired(message: string, hint: string) {
  return state('TRUST_SETUP_REQUIRED', message, { hint });
}

function serverOwned(field: string) {
  return invalid('SERVER_OWNED_FIELD', `${field}: only the server sets it; leave it out`, {
    hint: 'planton get AwsProviderConnection NAME shows what is stored',
    violations: [{ field, message: 'only the server sets it; leave it out' }],
  });
}
