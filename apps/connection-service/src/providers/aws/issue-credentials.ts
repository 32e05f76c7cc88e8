import { create } from '@bufbuild/protobuf';
import { AuthMode, type AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import { AwsCredentialsSchema } from '@planton/api/connect/v1/resolution';
import { checkSessionPolicy } from '@planton/aws';
import { invalid, state } from '@planton/rpc';
import type { FieldValues } from '../../references/reference.ts';
import type { Credentials, CredentialsPlan, IssueOptions } from '../provider.ts';
import { planTrustRole } from './read-trust-role.ts';
import { readAccessKey, readPlace } from './read-values.ts';
import { referencesOf } from './references-of.ts';

/**
 * An inline connection hands out its key, one with cross-account trust a session of its role. Throws `AUTH_MODE_NOT_AVAILABLE`,
 * `INLINE_CREDENTIALS_FIXED`, `SESSION_POLICY_INVALID`, `EXTERNAL_ID_MISSING`.
 */
export function planCredentials(spec: AwsProviderConnectionSpec, options: IssueOptions): CredentialsPlan {
  if (spec.authMode === AuthMode.RUNNER) throw staysOnRunner(options.connection);
  if (spec.authMode === AuthMode.CROSS_ACCOUNT_TRUST) return planSession(spec, options);
  refuseOptions(options);
  return { from: 'values', uses: referencesOf(spec) };
}

function planSession(spec: AwsProviderConnectionSpec, options: IssueOptions): CredentialsPlan {
  const { connection, sessionPolicy } = options;
  const policy = sessionPolicy === '' ? undefined : checkSessionPolicy(sessionPolicy);
  if (policy && !policy.ok) {
    throw invalid('SESSION_POLICY_INVALID', `session_policy ${policy.message}`, {
      hint: 'give an IAM policy in JSON, such as {"Version":"2012-10-17","Statement":[…]}, or leave it out',
      violations: [{ field: 'session_policy', message: policy.message }],
    });
  }
  const uses = planTrustRole(spec, connection);
  return {
    from: 'session',
    uses: uses.filter(({ reference }) => reference.kind === 'variable'),
    fixedUses: uses.filter(({ reference }) => reference.kind === 'secret'),
    offlineHint:
      'look at the log of the server, and at the AWS identity (AWS_* variables) that it was started with for its platform runner',
  };
}

function refuseOptions({ connection, sessionPolicy, durationSeconds }: IssueOptions): void {
  const fields = [
    ...(sessionPolicy === '' ? [] : ['session_policy']),
    ...(durationSeconds === undefined ? [] : ['duration']),
  ];
  if (fields.length === 0) return;
  throw invalid(
    'INLINE_CREDENTIALS_FIXED',
    `${fields.join(' and ')}: connection "${connection}" hands out its own access key, which can be neither scoped down nor given an end`,
    {
      hint: 'leave them out',
      violations: fields.map((field) => ({ field, message: 'is refused for an inline connection' })),
    },
  );
}

function staysOnRunner(connection: string) {
  return state(
    'AUTH_MODE_NOT_AVAILABLE',
    `connection "${connection}" uses auth_mode runner: its credentials never leave the runner, so there are none to issue`,
    {
      hint:
        `have the runner do the work: planton connection verify ${connection} shows whether it can; ` +
        'credentials are issued for auth_mode inline and cross_account_trust, see planton connection list',
      metadata: { connection, auth_mode: 'runner' },
    },
  );
}

/** The key that the secrets hold, checked for its format. */
export function issueCredentials(spec: AwsProviderConnectionSpec, resolved: FieldValues): Credentials {
  const { sessionToken = '', ...credentials } = readAccessKey(spec, resolved);
  return {
    case: 'aws',
    value: create(AwsCredentialsSchema, { ...credentials, sessionToken, ...readPlace(spec, resolved) }),
  };
}
