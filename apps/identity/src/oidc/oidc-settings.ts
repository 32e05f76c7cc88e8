import type { OidcSettings } from '@planton/rpc';

export type { OidcSettings };

/** Accounts of a provider are kept apart from those of any other that is configured later. */
export function providerIdOf({ issuer }: Pick<OidcSettings, 'issuer'>): string {
  return `oidc:${issuer}`;
}
