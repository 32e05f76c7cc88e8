import { create } from '@bufbuild/protobuf';
import { AuthMode, type AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import type { IssueCredentialsResponse } from '@planton/api/connect/v1/connection_service';
import { AwsCredentialsSchema } from '@planton/api/connect/v1/resolution';
import { invalid, state } from '@planton/rpc';
import type { FieldValues, ReferenceUse } from '../../references/reference.ts';
import type { IssueOptions } from '../provider.ts';
import { readAccessKey, readPlace } from './read-values.ts';
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
  const refuse = (name: string, why: string, hint: string) =>
    state('AUTH_MODE_NOT_AVAILABLE', `connection "${connection}" uses auth_mode ${name}: ${why}`, {
      hint: `${hint}; credentials are issued for auth_mode inline, see planton connection list`,
      metadata: { connection, auth_mode: name },
    });
  if (mode === AuthMode.RUNNER) {
    throw refuse(
      'runner',
      'its credentials never leave the runner, so there are none to issue',
      `have the runner do the work: planton connection verify ${connection} shows whether it can`,
    );
  }
  if (mode === AuthMode.CROSS_ACCOUNT_TRUST) {
    throw refuse(
      'cross_account_trust',
      'this release assumes no role',
      'planton explain AwsProviderConnection shows the modes',
    );
  }
}

/** The key that the secrets hold, checked for its format. */
export function issueCredentials(
  spec: AwsProviderConnectionSpec,
  resolved: FieldValues,
): IssueCredentialsResponse['credentials'] {
  const { sessionToken = '', ...credentials } = readAccessKey(spec, resolved);
  return {
    case: 'aws',
    value: create(AwsCredentialsSchema, { ...credentials, sessionToken, ...readPlace(spec, resolved) }),
  };
}
