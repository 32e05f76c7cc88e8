import type { AwsCredentials } from './credentials.ts';
import { formatTime } from './format-time.ts';

/** What a container credentials endpoint answers, as the AWS SDKs read it. */
export interface ContainerCredentialsDocument {
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly Token: string;
  /** RFC 3339, UTC. */
  readonly Expiration: string;
  readonly RoleArn?: string;
}

const REFRESH_MINUTES = 15;

/**
 * SDKs fail without `Token` or `Expiration`. A key that has neither gets an empty token and an expiration 15 minutes after
 * `now`, at which the reader asks again; that is also how a rotated key reaches it.
 */
export function containerCredentialsDocument(
  credentials: AwsCredentials,
  now: Date,
): ContainerCredentialsDocument {
  const { accessKeyId, secretAccessKey, sessionToken, expiration, roleArn } = credentials;
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken ?? '',
    Expiration: formatTime(expiration ?? new Date(now.getTime() + REFRESH_MINUTES * 60_000)),
    ...(roleArn && { RoleArn: roleArn }),
  };
}
