import type { AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import { checkCredentials } from '@planton/aws';
import { state, type Violation } from '@planton/rpc';
import { describeReference, type FieldValues } from '../../references/reference.ts';
import { checkSpec, readScalar } from './check-spec.ts';
import { referencesOf } from './references-of.ts';

/** Where a connection leads. */
export interface Place {
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
}

/** A key as an inline connection holds it. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a temporary key only. */
  readonly sessionToken: string | undefined;
}

/** Account and region, checked. Throws `CREDENTIALS_MALFORMED`. */
export function readPlace(spec: AwsProviderConnectionSpec, resolved: FieldValues): Place {
  const violations = checkSpec(spec, resolved);
  const variable = [spec.accountId, spec.region].find((each) => each?.source.case === 'variable')?.source
    .value;
  refuseMalformed(violations, `planton variable set ${variable ?? 'SLUG'} … replaces a variable`);
  return {
    accountId: readScalar('spec.account_id', spec.accountId, resolved)?.value ?? '',
    region: readScalar('spec.region', spec.region, resolved)?.value ?? '',
  };
}

/** The key that the secrets of an inline connection hold, and its place, checked together. Throws `CREDENTIALS_MALFORMED`. */
export function readAccessKey(spec: AwsProviderConnectionSpec, resolved: FieldValues): AccessKey {
  const credentials = {
    accessKeyId: resolved.get('spec.access_key_id') ?? '',
    secretAccessKey: resolved.get('spec.secret_access_key') ?? '',
    sessionToken: resolved.get('spec.session_token'),
  };
  refuseMalformed(
    [...checkSpec(spec, resolved), ...credentialViolations(spec, credentials)],
    `planton secret set ${spec.secretAccessKey?.secret ?? 'SLUG'} --stdin value replaces a secret`,
  );
  return credentials;
}

function refuseMalformed(violations: readonly Violation[], hint: string): void {
  if (violations.length === 0) return;
  const message = violations.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw state('CREDENTIALS_MALFORMED', message, { hint, violations });
}

/** Names the field, the secret and its entry; `checkCredentials` never repeats a character of a value. */
function credentialViolations(spec: AwsProviderConnectionSpec, credentials: AccessKey): readonly Violation[] {
  const uses = new Map(referencesOf(spec).map(({ field, reference }) => [field, reference]));
  return checkCredentials(credentials).map((fault) => {
    const field = `spec.${fault.field}`;
    const reference = uses.get(field);
    return { field, message: `${reference ? `${describeReference(reference)} ` : ''}${fault.message}` };
  });
}
