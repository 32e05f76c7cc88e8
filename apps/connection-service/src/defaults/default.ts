import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Metadata, MetadataSchema } from '@planton/api/common/v1/metadata';
import type { DefaultProviderConnectionSchema } from '@planton/api/connect/v1/default_provider_connection';
import { invalid, missing } from '@planton/rpc';
import { etagOf } from '../connections/connection.ts';
import type { DefaultRow } from './default-store.ts';

/** `aws` for the organisation, `production.aws` for an environment. */
export function defaultName(provider: string, environment: string): string {
  return environment === '' ? provider : `${environment}.${provider}`;
}

/** Where the default applies, for messages. */
export function levelOf(organization: string, environment: string): string {
  return environment === '' ? `organisation "${organization}"` : `environment "${environment}"`;
}

export function defaultNotFound(organization: string, provider: string, environment: string) {
  return missing(
    'DEFAULT_NOT_FOUND',
    `${levelOf(organization, environment)} has no default connection for provider ${JSON.stringify(provider)}`,
    { hint: 'planton connection default list', metadata: { provider, environment } },
  );
}

/**
 * The name of a default or an authorisation says what its spec says, so a manifest may leave it out and may not give another;
 * nothing else of its metadata would be kept, so it is refused rather than lost.
 */
export function checkDerivedMetadata(metadata: Metadata | undefined, kind: string, name: string): void {
  if (!metadata) return;
  if (metadata.name !== '' && metadata.name !== name) {
    throw invalid(
      'NAME_MISMATCH',
      `metadata.name is ${JSON.stringify(metadata.name)}, and the spec makes it "${name}"`,
      {
        hint: `set metadata.name to ${name}, or leave it out`,
      },
    );
  }
  const given = [
    ...(metadata.slug === '' ? [] : ['slug']),
    ...(Object.keys(metadata.labels).length === 0 ? [] : ['labels']),
    ...(Object.keys(metadata.annotations).length === 0 ? [] : ['annotations']),
  ];
  if (given.length === 0) return;
  throw invalid('METADATA_NOT_KEPT', `metadata.${given.join(', metadata.')}: a ${kind} keeps none`, {
    hint: 'leave it out',
  });
}

export function defaultMessage(
  row: DefaultRow,
  organization: string,
): MessageInitShape<typeof DefaultProviderConnectionSchema> {
  return {
    apiVersion: 'connect.planton.ai/v1',
    kind: 'DefaultProviderConnection',
    metadata: create(MetadataSchema, {
      name: defaultName(row.provider, row.environment_slug),
      org: organization,
      uid: row.uid,
      revision: row.revision,
      etag: etagOf(row),
      createTime: timestampFromDate(row.create_time),
      updateTime: timestampFromDate(row.update_time),
      createdBy: row.created_by,
      updatedBy: row.updated_by,
    }),
    spec: {
      provider: row.provider,
      connection: row.connection_slug,
      environment: row.environment_slug,
    },
  };
}
