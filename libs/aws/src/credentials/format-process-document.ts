import type { AwsCredentials } from './credentials.ts';
import { formatTime } from './format-time.ts';

/** What a `credential_process` prints, as the AWS CLI and SDKs read it. */
export interface CredentialProcessDocument {
  readonly Version: 1;
  readonly AccessKeyId: string;
  readonly SecretAccessKey: string;
  readonly SessionToken?: string;
  /** RFC 3339, UTC. Without it the reader keeps the credentials and never asks again. */
  readonly Expiration?: string;
}

/** An inline long-term key gets neither token nor expiration: readers take an empty token for a real one. */
export function credentialProcessDocument(credentials: AwsCredentials): CredentialProcessDocument {
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials;
  return {
    Version: 1,
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    ...(sessionToken && { SessionToken: sessionToken }),
    ...(expiration && { Expiration: formatTime(expiration) }),
  };
}
