import type { ProviderConnection } from '@planton/api/connect/v1/provider_connection';
import { invalid } from '@planton/rpc';
import { aws } from './aws/aws.ts';
import type { Provider } from './provider.ts';

const providers: readonly Provider[] = [aws];

const byName: ReadonlyMap<string, Provider> = new Map(providers.map((provider) => [provider.name, provider]));

/** Undefined for a provider that this release does not know. */
export function findProvider(name: string): Provider | undefined {
  return byName.get(name);
}

/** The provider that a manifest is for. Throws `PROVIDER_UNKNOWN`. */
export function providerOf(connection: ProviderConnection): Provider {
  const provider = connection.kind.case && findProvider(connection.kind.case);
  if (provider) return provider;
  throw invalid('PROVIDER_UNKNOWN', 'connection: this server does not know the provider', {
    hint: `the providers are ${providers.map(({ name }) => name).join(', ')}`,
  });
}
