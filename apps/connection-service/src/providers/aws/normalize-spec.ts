import { clone } from '@bufbuild/protobuf';
import {
  AuthMode,
  type AwsProviderConnectionSpec,
  AwsProviderConnectionSpecSchema,
} from '@planton/api/connect/v1/aws_provider_connection';

type CredentialField = 'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'externalId' | 'iamRoleArn';

const names: Readonly<Record<CredentialField, string>> = {
  accessKeyId: 'spec.access_key_id',
  secretAccessKey: 'spec.secret_access_key',
  sessionToken: 'spec.session_token',
  iamRoleArn: 'spec.iam_role_arn',
  externalId: 'spec.external_id',
};

const keyFields: readonly CredentialField[] = ['accessKeyId', 'secretAccessKey', 'sessionToken'];
const allFields: readonly CredentialField[] = [...keyFields, 'iamRoleArn', 'externalId'];

/**
 * Inline is written out where no mode is given. Credential fields that the mode has no use for are left out, each with a
 * warning: a runner authenticates with what it finds where it runs, and a role needs no keys.
 */
export function normalizeSpec(given: AwsProviderConnectionSpec): {
  readonly spec: AwsProviderConnectionSpec;
  readonly warnings: readonly string[];
} {
  const spec = clone(AwsProviderConnectionSpecSchema, given);
  if (spec.authMode === AuthMode.UNSPECIFIED) spec.authMode = AuthMode.INLINE;
  const warnings: string[] = [];
  for (const field of uselessFields(spec.authMode)) {
    if (!spec[field]) continue;
    if (field === 'iamRoleArn') spec.iamRoleArn = '';
    else delete spec[field];
    warnings.push(`${names[field]} was ignored: auth_mode ${modeName(spec.authMode)} does not use it`);
  }
  return { spec, warnings };
}

/** External IDs are left to `keepServerOwned`, except in runner mode, where everything is dropped. */
function uselessFields(mode: AuthMode): readonly CredentialField[] {
  if (mode === AuthMode.RUNNER) return allFields;
  return mode === AuthMode.CROSS_ACCOUNT_TRUST ? keyFields : ['iamRoleArn'];
}

/** As manifests write it. */
export function modeName(mode: AuthMode): string {
  if (mode === AuthMode.CROSS_ACCOUNT_TRUST) return 'cross_account_trust';
  return mode === AuthMode.RUNNER ? 'runner' : 'inline';
}
