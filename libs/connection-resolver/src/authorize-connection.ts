import type { Authorization, AuthorizationCause, AuthorizationStep, Environment } from './decision.ts';

export interface AuthorizationVerdict {
  readonly outcome: 'allowed' | 'refused';
  readonly record: NonNullable<AuthorizationStep['record']>;
  readonly environments: readonly Environment[];
  readonly cause: AuthorizationCause;
}

/**
 * Whether a connection with this record may be used in `environment`, or outside every environment when it is undefined.
 *
 * Environments are the same only when their uids are: one that was deleted and made again under its old slug inherits nothing.
 * A record that lists environments refuses a request that names none, because leaving the environment out would otherwise
 * be the way around the list.
 */
export function authorizeConnection(
  authorization: Authorization | null,
  environment: Environment | undefined,
  requireAuthorization: boolean,
): AuthorizationVerdict {
  if (authorization === null) {
    return requireAuthorization
      ? { outcome: 'refused', record: 'none', environments: [], cause: 'RECORD_REQUIRED' }
      : { outcome: 'allowed', record: 'none', environments: [], cause: 'NO_RECORD' };
  }
  if (authorization.scope === 'organization') {
    return { outcome: 'allowed', record: 'organization', environments: [], cause: 'ORGANIZATION_WIDE' };
  }

  const listing = { record: 'environment', environments: authorization.environments } as const;
  if (environment === undefined) {
    return { ...listing, outcome: 'refused', cause: 'ENVIRONMENT_NOT_GIVEN' };
  }
  return authorization.environments.some(({ uid }) => uid === environment.uid)
    ? { ...listing, outcome: 'allowed', cause: 'ENVIRONMENT_LISTED' }
    : { ...listing, outcome: 'refused', cause: 'ENVIRONMENT_NOT_LISTED' };
}
