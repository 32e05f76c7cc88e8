import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { MetadataSchema } from '@planton/api/common/v1/metadata';
import {
  AuthorizationScope,
  type ProviderConnectionAuthorizationSchema,
} from '@planton/api/connect/v1/provider_connection_authorization';
import { invalid, missing } from '@planton/rpc';
import { type ConnectionView, etagOf } from '../connections/connection.ts';
import type { AuthorizationRow } from './authorization-store.ts';

export const KIND = 'ProviderConnectionAuthorization';

/** `aws.my-aws-connection`. */
export function authorizationName(provider: string, connectionSlug: string): string {
  return `${provider}.${connectionSlug}`;
}

export function authorizationNotFound(connection: ConnectionView) {
  return missing(
    'AUTHORIZATION_NOT_FOUND',
    `connection "${connection.slug}" has no authorisation: it may be used in every environment`,
    {
      hint: `planton connection authorization set --provider ${connection.provider} --connection ${connection.slug} --scope environment --environments ENVIRONMENT`,
      metadata: { connection: connection.slug },
    },
  );
}

/** Throws `CONNECTION_PROVIDER_MISMATCH` where the connection is of another provider than the caller says. */
export function checkProvider(connection: ConnectionView, provider: string): void {
  if (connection.provider === provider) return;
  throw invalid(
    'CONNECTION_PROVIDER_MISMATCH',
    `connection "${connection.slug}" is of provider "${connection.provider}", not ${JSON.stringify(provider)}`,
    { hint: `name provider ${connection.provider}`, metadata: { connection: connection.slug } },
  );
}

/** @param live uids of the environments that exist; others are left out */
export function authorizationMessage(
  row: AuthorizationRow,
  organization: string,
  live: ReadonlySet<string>,
): MessageInitShape<typeof ProviderConnectionAuthorizationSchema> {
  return {
    apiVersion: 'connect.planton.ai/v1',
    kind: KIND,
    metadata: create(MetadataSchema, {
      name: authorizationName(row.provider, row.connection_slug),
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
      scope: row.scope === 'organization' ? AuthorizationScope.ORGANIZATION : AuthorizationScope.ENVIRONMENT,
      environments: row.environments
        .filter(({ uid }) => live.has(uid))
        .map(({ slug }) => slug)
        .sort(),
    },
  };
}
