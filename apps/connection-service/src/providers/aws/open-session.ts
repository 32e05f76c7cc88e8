import { create, fromBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import { AwsCredentialsSchema } from '@planton/api/connect/v1/resolution';
import {
  type IssuedAwsCredentials,
  IssuedAwsCredentialsSchema,
  type OperationInput,
  OperationInputSchema,
} from '@planton/api/runner/v1/operation';
import {
  checkCredentials,
  parseArn,
  requesterTag,
  sessionName,
  sourceIdentity,
  tagValue,
} from '@planton/aws';
import { internal, unavailable } from '@planton/rpc';
import type { FieldValues } from '../../references/reference.ts';
import type { OpenedSession, SessionAnswer, SessionOrder } from '../provider.ts';
import { readTrustRole } from './read-trust-role.ts';
import { readPlace } from './read-values.ts';

/** The role to assume, with who the session is for. Throws `CREDENTIALS_MALFORMED` where what it refers to leads to no role. */
export function buildSession(
  spec: AwsProviderConnectionSpec,
  resolved: FieldValues,
  order: SessionOrder,
): OperationInput {
  const { requester, durationSeconds } = order;
  const { roleArn, externalId, ...place } = readTrustRole(spec, resolved);
  const role = {
    roleArn,
    externalId,
    sessionName: sessionName(requester),
    sessionPolicy: order.sessionPolicy,
    sourceIdentity: sourceIdentity(requester),
    tags: {
      'planton:organization': tagValue(order.organization),
      ...(order.environment !== undefined && { 'planton:environment': tagValue(order.environment) }),
      'planton:connection': tagValue(order.connection),
      'planton:requester': requesterTag(requester),
    },
    ...(durationSeconds !== undefined && { duration: { seconds: BigInt(durationSeconds) } }),
  };
  return create(OperationInputSchema, {
    kind: { case: 'issueAwsCredentials', value: { ...place, role } },
  });
}

/**
 * What the platform runner sealed, compared with what was asked for: the account of the session, its end, and the form of the key. Throws
 * `SESSION_NOT_UNDERSTOOD`, a fault of ours, and `SESSION_OVER`.
 */
export function readSession(
  spec: AwsProviderConnectionSpec,
  resolved: FieldValues,
  { output, secret }: SessionAnswer,
  now: Date,
): OpenedSession {
  if (output?.kind.case !== 'issueAwsCredentials') throw notUnderstood('it answered something else');
  const { arn, tagged } = output.kind.value;
  const place = readPlace(spec, resolved);
  checkSessionArn(arn, place.accountId);
  const { expireTime, $typeName: _, $unknown: __, ...key } = readIssued(secret);
  const faults = checkCredentials(key);
  if (faults.length > 0) {
    throw notUnderstood(faults.map(({ field, message }) => `${field} ${message}`).join('; '));
  }
  if (!expireTime) throw notUnderstood('the session has no end');
  const end = timestampDate(expireTime);
  if (end <= now) {
    throw unavailable('SESSION_OVER', `the session that AWS opened ended at ${end.toISOString()} already`, {
      hint: 'set the clock of the server',
    });
  }
  return {
    credentials: { case: 'aws', value: create(AwsCredentialsSchema, { ...key, expireTime, ...place }) },
    expireTime: end,
    details: { session_arn: arn, tagged: String(tagged) },
  };
}

function checkSessionArn(text: string, accountId: string): void {
  const arn = parseArn(text);
  if (!arn.ok) throw notUnderstood(`the ARN of the session ${arn.message}`);
  const { service, resource } = arn.value;
  if (service !== 'sts' || !resource.startsWith('assumed-role/')) throw notUnderstood('it names no session');
  if (arn.value.accountId !== accountId) throw notUnderstood('the session is of another account');
}

function readIssued(secret: Uint8Array): IssuedAwsCredentials {
  try {
    return fromBinary(IssuedAwsCredentialsSchema, secret);
  } catch {
    throw notUnderstood('what it sealed is no credentials');
  }
}

function notUnderstood(message: string) {
  return internal('SESSION_NOT_UNDERSTOOD', `the platform runner opened a session: ${message}`);
}
