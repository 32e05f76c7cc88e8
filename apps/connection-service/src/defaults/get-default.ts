import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetDefaultProviderConnectionRequest,
  GetDefaultProviderConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import type { Deps } from '../deps.ts';
import { defaultMessage, defaultNotFound } from './default.ts';
import { findDefault } from './default-store.ts';

export function getDefault({ database, scopeOf }: Deps) {
  return async (
    request: GetDefaultProviderConnectionRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetDefaultProviderConnectionResponseSchema>> => {
    const { organization, environment } = await scopeOf(context, request.environment);
    const row = await findDefault(database.query, {
      organizationUid: organization.uid,
      provider: request.provider,
      environmentUid: environment?.uid ?? '',
    });
    if (!row) throw defaultNotFound(organization.slug, request.provider, request.environment);
    return { default: defaultMessage(row, organization.slug) };
  };
}
