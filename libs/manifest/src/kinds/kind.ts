import type { DescMessage } from '@bufbuild/protobuf';
import type { AwsProviderConnection } from '@planton/api/connect/v1/aws_provider_connection';
import {
  type DefaultProviderConnection,
  DefaultProviderConnectionSchema,
} from '@planton/api/connect/v1/default_provider_connection';
import { ProviderConnectionSchema } from '@planton/api/connect/v1/provider_connection';
import {
  type ProviderConnectionAuthorization,
  ProviderConnectionAuthorizationSchema,
} from '@planton/api/connect/v1/provider_connection_authorization';
import { nearest } from '../source/suggest.ts';

/** The `apiVersion` of every manifest. */
export const apiVersion = 'connect.planton.ai/v1';

/** A message that can be written as a manifest. */
export type ManifestMessage =
  | AwsProviderConnection
  | DefaultProviderConnection
  | ProviderConnectionAuthorization;

export interface ManifestKind {
  /** As manifests spell it, such as `AwsProviderConnection`. */
  readonly name: string;
  readonly schema: DescMessage;
  /** The provider that a connection of this kind reaches, such as `aws`; it is the short name of the kind too. */
  readonly provider?: string;
}

const connections = ProviderConnectionSchema.fields.flatMap(({ name, message }): ManifestKind[] =>
  message ? [{ name: message.name, schema: message, provider: name }] : [],
);

/** Every kind of manifest. A provider joins by its field in `ProviderConnection`, another kind by a line here. */
export const kinds: readonly ManifestKind[] = [
  ...connections,
  { name: 'DefaultProviderConnection', schema: DefaultProviderConnectionSchema },
  { name: 'ProviderConnectionAuthorization', schema: ProviderConnectionAuthorizationSchema },
];

/** The kind of that name or short name, in any case. */
export function findKind(name: string): ManifestKind | undefined {
  const wanted = name.toLowerCase();
  return kinds.find((kind) => kind.name.toLowerCase() === wanted || kind.provider === wanted);
}

/** What to say about a kind that does not exist. */
export function suggestKind(name: string): string {
  const names = kinds.map((kind) => kind.name);
  const close = findKind(name)?.name ?? nearest(name, names);
  return close ? `did you mean \`${close}\`?` : `the kinds are ${names.join(', ')}`;
}
