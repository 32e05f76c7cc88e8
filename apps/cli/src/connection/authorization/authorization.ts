import {
  AuthorizationScope,
  type ProviderConnectionAuthorization,
  ProviderConnectionAuthorizationSchema,
} from '@planton/api/connect/v1/provider_connection_authorization';
import { formatTime } from '../../output/format-time.ts';
import type { OutputFormat, Printable } from '../../output/print-messages.ts';

/** Options of the commands about one authorisation. */
export interface AuthorizationOptions {
  readonly provider?: string;
  readonly connection: string;
  readonly output?: OutputFormat;
  readonly yes?: boolean;
}

/** How authorisations are printed. */
export const authorizations: Printable<ProviderConnectionAuthorization> = {
  schema: ProviderConnectionAuthorizationSchema,
  columns: [
    ['PROVIDER', ({ spec }) => spec?.provider ?? ''],
    ['CONNECTION', ({ spec }) => spec?.connection ?? ''],
    [
      'SCOPE',
      ({ spec }) => (spec?.scope === AuthorizationScope.ENVIRONMENT ? 'environment' : 'organization'),
    ],
    ['ENVIRONMENTS', ({ spec }) => environmentsOf(spec?.scope, spec?.environments ?? [])],
    ['UPDATED', ({ metadata }) => formatTime(metadata?.updateTime)],
  ],
};

function environmentsOf(scope: AuthorizationScope | undefined, environments: readonly string[]): string {
  if (scope !== AuthorizationScope.ENVIRONMENT) return 'all';
  return environments.length === 0 ? 'none' : environments.join(', ');
}
