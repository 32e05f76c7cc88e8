import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsAccessCauseCode,
  type AwsAccessCauseSchema,
  type AwsAuthentication,
  type AwsRole,
} from '@planton/api/runner/v1/operation';
import {
  type AwsFailureCause,
  type AwsFailureExplanation,
  explainAwsFailure,
  readAwsFailure,
} from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';

/** The ways to authenticate, as failures are explained by. */
export type Method = 'default_chain' | 'access_key' | 'role';

const keyCauses: ReadonlySet<AwsFailureCause['code']> = new Set([
  'NO_CREDENTIALS',
  'UNKNOWN_KEY',
  'WRONG_SECRET',
  'EXPIRED',
]);

/** Says what a failed call means, without what was sent. */
export function explainCall(
  error: unknown,
  method: Method,
  region: string,
  secrets: readonly string[],
): AwsFailureExplanation {
  return explainAwsFailure(readAwsFailure(error), { method, region, secrets });
}

/** Values of an authentication that must not come back in an observation. */
export function secretsOf(method: AwsAuthentication['method']): readonly string[] {
  switch (method.case) {
    case 'accessKey':
      return [method.value.accessKeyId, method.value.secretAccessKey, method.value.sessionToken];
    case 'role':
      return [method.value.externalId];
    default:
      return [];
  }
}

/** Whether AWS answered that it may not be, and nothing else: throttling, a fault or an answer of something else is no denial. */
export function isDenied(error: unknown): boolean {
  const { name, httpStatus } = readAwsFailure(error);
  return httpStatus === 403 && /^AccessDenied(Exception)?$/.test(name);
}

/** Whether it may help to look for the runner's own key again: the one that was used does not work. */
export function isKeySuspect({ causes }: AwsFailureExplanation): boolean {
  const [first] = causes;
  return first !== undefined && keyCauses.has(first.code);
}

/** Causes as they go over the wire. */
export function toCauses(
  causes: readonly AwsFailureCause[],
): MessageInitShape<typeof AwsAccessCauseSchema>[] {
  return causes.map(({ code, message, hint }) => ({ code: AwsAccessCauseCode[code], message, hint }));
}

/**
 * What the platform's own runner carries out for nobody: anything with an identity that the caller did not have to name. A role
 * without an external ID could be anyone's.
 *
 * @throws OperationFailed `REFUSED`
 */
export function refuseOnPlatform(role: AwsRole | undefined): void {
  if (!role)
    throw new OperationFailed(
      'REFUSED',
      'DEFAULT_CHAIN_REFUSED',
      'the platform runner does not lend its own identity in AWS',
      { hint: 'set spec.runner to a runner of the organisation' },
    );
  if (role.externalId === '')
    throw new OperationFailed(
      'REFUSED',
      'EXTERNAL_ID_REQUIRED',
      'the platform runner assumes no role without an external ID',
      { hint: 'connect the account again: planton connect aws --reconnect' },
    );
}
