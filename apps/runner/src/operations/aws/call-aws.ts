import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { AwsRole } from '@planton/api/runner/v1/operation';
import type { AwsIdentity, AwsKey } from './aws-identity.ts';

/** Seconds that a session of a role lives where the operation does not say. */
const SESSION_SECONDS = 3_600;

/** Where and until when AWS is asked. */
export interface AwsCall {
  readonly aws: AwsIdentity;
  readonly region: string;
  readonly signal: AbortSignal;
  /** Milliseconds that one request may take with its repetitions; absent for what the client allows. */
  readonly limitMs?: number;
}

/** Who AWS says is calling. */
export interface CallerIdentity {
  readonly accountId: string;
  readonly arn: string;
}

/** What is asked of STS for a session of a role. Empty texts and no tags are left out. */
export interface RoleRequest {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly externalId: string;
  readonly sessionPolicy: string;
  readonly seconds: number;
  readonly sourceIdentity: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** A session of a role. */
export interface RoleSession {
  readonly key: Required<AwsKey>;
  /** ARN of the session. */
  readonly arn: string;
  readonly expireTime: Date;
}

/** What an operation says of a role, as a request. */
export function requestOf(role: AwsRole): RoleRequest {
  const { roleArn, sessionName, externalId, sessionPolicy, duration, sourceIdentity, tags } = role;
  const seconds = duration ? Math.floor(durationMs(duration) / 1_000) : SESSION_SECONDS;
  return { roleArn, sessionName, externalId, sessionPolicy, seconds, sourceIdentity, tags };
}

/** Ends with the operation, or with the time that one request has. */
export function signalOf({ signal, limitMs }: AwsCall): AbortSignal {
  return limitMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
}

/** Asks STS whose key it is. Throws what the SDK throws. */
export async function getCallerIdentity(call: AwsCall, key: AwsKey): Promise<CallerIdentity> {
  const { Account, Arn } = await call.aws
    .sts(call.region, key)
    .send(new GetCallerIdentityCommand({}), { abortSignal: signalOf(call) });
  if (!Account || !Arn) throw notAws();
  return { accountId: Account, arn: Arn };
}

/** Assumes a role with a key. Throws what the SDK throws. */
export async function assumeRole(call: AwsCall, key: AwsKey, request: RoleRequest): Promise<RoleSession> {
  const { roleArn, sessionName, externalId, sessionPolicy, seconds, sourceIdentity } = request;
  const tags = Object.entries(request.tags).map(([Key, Value]) => ({ Key, Value }));
  const command = new AssumeRoleCommand({
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: seconds,
    ...(externalId === '' ? {} : { ExternalId: externalId }),
    ...(sessionPolicy === '' ? {} : { Policy: sessionPolicy }),
    ...(sourceIdentity === '' ? {} : { SourceIdentity: sourceIdentity }),
    ...(tags.length === 0 ? {} : { Tags: tags }),
  });
  const answer = await call.aws.sts(call.region, key).send(command, { abortSignal: signalOf(call) });
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
  const arn = answer.AssumedRoleUser?.Arn;
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration || !arn) throw notAws();
  return {
    key: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
    arn,
    expireTime: Expiration,
  };
}

/** Something answered 200 with other words than AWS's. `explainAwsFailure` reads it as that. */
export function notAws(): Error {
  return Object.assign(new Error('Unknown'), { name: 'Unknown', $metadata: { httpStatusCode: 200 } });
}
