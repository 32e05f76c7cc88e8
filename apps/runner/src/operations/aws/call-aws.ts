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
}

/** Who AWS says is calling. */
export interface CallerIdentity {
  readonly accountId: string;
  readonly arn: string;
}

/** A session of a role. */
export interface RoleSession {
  readonly key: Required<AwsKey>;
  /** ARN of the session. */
  readonly arn: string;
  readonly expireTime: Date;
}

/** Asks STS whose key it is. Throws what the SDK throws. */
export async function getCallerIdentity(call: AwsCall, key: AwsKey): Promise<CallerIdentity> {
  const { aws, region, signal } = call;
  const { Account, Arn } = await aws
    .sts(region, key)
    .send(new GetCallerIdentityCommand({}), { abortSignal: signal });
  if (!Account || !Arn) throw notAws();
  return { accountId: Account, arn: Arn };
}

/** Assumes a role with a key. Throws what the SDK throws. */
export async function assumeRole(call: AwsCall, key: AwsKey, role: AwsRole): Promise<RoleSession> {
  const { aws, region, signal } = call;
  const command = new AssumeRoleCommand({
    RoleArn: role.roleArn,
    RoleSessionName: role.sessionName,
    DurationSeconds: role.duration ? Math.floor(durationMs(role.duration) / 1_000) : SESSION_SECONDS,
    ...(role.externalId === '' ? {} : { ExternalId: role.externalId }),
    ...(role.sessionPolicy === '' ? {} : { Policy: role.sessionPolicy }),
  });
  const answer = await aws.sts(region, key).send(command, { abortSignal: signal });
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
function notAws(): Error {
  return Object.assign(new Error('Unknown'), { name: 'Unknown', $metadata: { httpStatusCode: 200 } });
}
