import { type AccessKeyIdReason, checkAccessKeyId } from './check-access-key-id.ts';
import { checkSecretAccessKey, type SecretAccessKeyReason } from './check-secret-access-key.ts';
import { checkSessionToken, type SessionTokenReason } from './check-session-token.ts';
import type { AwsCredentials } from './credentials.ts';

/** What is wrong with one part of a set of credentials. No character of it is in `message`. */
export interface CredentialFault {
  readonly field: 'access_key_id' | 'secret_access_key' | 'session_token';
  readonly reason: AccessKeyIdReason | SecretAccessKeyReason | SessionTokenReason | 'missing' | 'unexpected';
  readonly message: string;
}

/**
 * Checks each part and whether they belong together: a temporary key needs its session token, a long-term key has none.
 * Empty when nothing is wrong.
 */
export function checkCredentials(credentials: AwsCredentials): readonly CredentialFault[] {
  const faults: CredentialFault[] = [];
  const add = (
    field: CredentialFault['field'],
    { reason, message }: Pick<CredentialFault, 'reason' | 'message'>,
  ) => faults.push({ field, reason, message });

  const accessKeyId = checkAccessKeyId(credentials.accessKeyId);
  if (!accessKeyId.ok) add('access_key_id', accessKeyId);
  const secretAccessKey = checkSecretAccessKey(credentials.secretAccessKey);
  if (!secretAccessKey.ok) add('secret_access_key', secretAccessKey);

  const kind = accessKeyId.ok ? accessKeyId.value : undefined;
  if (credentials.sessionToken === undefined) {
    if (kind === 'temporary') {
      const message = 'is missing; a temporary access key (ASIA) works only with its session token';
      add('session_token', { reason: 'missing', message });
    }
  } else if (kind === 'long_term') {
    const message = 'is given, and a long-term access key (AKIA) has none';
    add('session_token', { reason: 'unexpected', message });
  } else {
    const sessionToken = checkSessionToken(credentials.sessionToken);
    if (!sessionToken.ok) add('session_token', sessionToken);
  }
  return faults;
}
