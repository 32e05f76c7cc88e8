import { create } from '@bufbuild/protobuf';
import { AuthMode, type AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import type { IssueCredentialsResponse } from '@planton/api/connect/v1/connection_service';
import { AwsCredentialsSchema } from '@planton/api/connect/v1/resolution';
import { checkCredentials } from '@planton/aws';
import { invalid, state, type Violation } from '@planton/rpc';
import { describeReference, type FieldValues, type ReferenceUse } from '../../references/reference.ts';
import type { IssueOptions } from '../provider.ts';
import { checkSpec, readScalar } from './check-spec.ts';
import { referencesOf } from './references-of.ts';

/** Only inline connections hand out credentials so far. */
export function planCredentials(
  spec: AwsProviderConnectionSpec,
  options: IssueOptions,
): readonly ReferenceUse[] {
  refuseOtherModes(spec.authMode, options.connection);
  const fields = [
    ...(options.sessionPolicy === '' ? [] : ['session_policy']),
    ...(options.hasDuration ? ['duration'] : []),
  ];
  if (fields.length > 0) {
    throw invalid(
      'INLINE_CREDENTIALS_FIXED',
      `${fields.join(' and ')}: connection "${options.connection}" hands out its own access key, which can be neither scoped down nor given an end`,
      {
        hint: 'leave them out',
        violations: fields.map((field) => ({ field, message: 'is refused for an inline connection' })),
      },
    );
  }
  return referencesOf(spec);
}

function refuseOtherModes(mode: AuthMode, connection: string): void {
  const refuse = (name: string, why: string) =>
    state('AUTH_MODE_NOT_AVAILABLE', `connection "${connection}" uses auth_mode ${name}: ${why}`, {
      hint: 'planton connection list shows the connections; credentials are issued for auth_mode inline',
      metadata: { connection, auth_mode: name },
    });
  if (mode === AuthMode.RUNNER) {
    throw refuse('runner', 'its credentials never leave the runner, so there are none to issue');
  }
  if (mode === AuthMode.CROSS_ACCOUNT_TRUST) {
    throw refuse('cross_account_trust', 'this server has no runner that could assume its role');
  }
}

/** The key that the secrets hold, checked for its format. */
export function issueCredentials(
  spec: AwsProviderConnectionSpec,
  resolved: FieldValues,
): IssueCredentialsResponse['credentials'] {
  const sessionToken = resolved.get('spec.session_token');
  const credentials = {
    accessKeyId: resolved.get('spec.access_key_id') ?? '',
    secretAccessKey: resolved.get('spec.secret_access_key') ?? '',
    sessionToken,
  };
  const violations = [...checkSpec(spec, resolved), ...credentialViolations(spec, credentials)];
  if (violations.length > 0) {
    throw state(
      'CREDENTIALS_MALFORMED',
      violations.map(({ field, message }) => `${field}: ${message}`).join('; '),
      {
        hint: `planton secret set ${spec.secretAccessKey?.secret ?? 'SLUG'} --stdin value replaces a secret`,
        violations,
      },
    );
  }
  return {
    case: 'aws',
    value: create(AwsCredentialsSchema, {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      sessionToken: sessionToken ?? '',
      accountId: readScalar('spec.account_id', spec.accountId, resolved)?.value ?? '',
      region: readScalar('spec.region', spec.region, resolved)?.value ?? '',
    }),
  };
}

/** Names the field, the secret and its entry; `checkCredentials` never repeats a character of a value. */
function credentialViolations(
  spec: AwsProviderConnectionSpec,
  credentials: Parameters<typeof checkCredentials>[0],
): readonly Violation[] {
  const uses = new Map(referencesOf(spec).map(({ field, reference }) => [field, reference]));
  return checkCredentials(credentials).map((fault) => {
    const field = `spec.${fault.field}`;
    const reference = uses.get(field);
    return { field, message: `${reference ? `${describeReference(reference)} ` : ''}${fault.message}` };
  });
}
