import type { SecretReference, ValueOrVariable } from '@planton/api/common/v1/reference';
import type { AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import type { ReferenceUse } from '../../references/reference.ts';

const SINGLE_KEY = 'value';

/** Every secret and variable that the spec refers to, with the field that does. */
export function referencesOf(spec: AwsProviderConnectionSpec): readonly ReferenceUse[] {
  return [
    ...variableUse('spec.account_id', spec.accountId),
    ...variableUse('spec.region', spec.region),
    ...secretUse('spec.access_key_id', spec.accessKeyId),
    ...secretUse('spec.secret_access_key', spec.secretAccessKey),
    ...secretUse('spec.session_token', spec.sessionToken),
    ...secretUse('spec.external_id', spec.externalId),
  ];
}

function variableUse(field: string, value: ValueOrVariable | undefined): readonly ReferenceUse[] {
  return value?.source.case === 'variable'
    ? [{ field, reference: { kind: 'variable', slug: value.source.value } }]
    : [];
}

/** A secret with a single value holds it under the key `value`. */
function secretUse(field: string, secret: SecretReference | undefined): readonly ReferenceUse[] {
  if (!secret) return [];
  return [{ field, reference: { kind: 'secret', slug: secret.secret, key: secret.key || SINGLE_KEY } }];
}
