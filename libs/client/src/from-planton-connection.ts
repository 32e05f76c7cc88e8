import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import type { Planton } from './create-planton.ts';

export interface AwsCredentialsOptions {
  /** Slug of the organisation. */
  readonly org: string;
  /** Slug or name of the connection; absent for the default that applies. */
  readonly connection?: string;
  /** Slug of the environment that the program deploys to. */
  readonly environment?: string;
  /** Why, for the audit trail. At most 200 characters. */
  readonly purpose?: string;
}

/** Milliseconds after which credentials that do not say when they end are asked for again: keys are rotated meanwhile. */
const REFRESH_AFTER_MS = 15 * 60_000;

/**
 * A credential provider for clients of the AWS SDK v3. The SDK remembers what it returns and asks again shortly before
 * the expiration, so a long job outlives the life of its credentials and follows a rotation.
 *
 * Rejects with the platform's error when no connection applies or may be used.
 *
 * @param now wall clock in milliseconds
 */
export function fromPlantonConnection(
  planton: Pick<Planton, 'connections'>,
  options: AwsCredentialsOptions,
  now: () => number = Date.now,
): AwsCredentialIdentityProvider {
  return async () => {
    const { credentials, connection } = await planton.connections.issueCredentials({
      provider: 'aws',
      ...options,
    });
    if (credentials.case !== 'aws') throw new Error(`connection "${connection}" gave no AWS credentials`);
    const { accessKeyId, secretAccessKey, sessionToken, expireTime, accountId } = credentials.value;
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken ? { sessionToken } : {}),
      expiration: expireTime ? timestampDate(expireTime) : new Date(now() + REFRESH_AFTER_MS),
      accountId,
    };
  };
}
