import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetProviderConnectionAuthorizationRequest,
  GetProviderConnectionAuthorizationResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf } from '@planton/rpc';
import { getConnectionView } from '../connections/connection-store.ts';
import type { Deps } from '../deps.ts';
import { liveEnvironments } from '../environments/live-environments.ts';
import { authorizationMessage, authorizationNotFound, checkProvider } from './authorization.ts';
import { findAuthorization } from './authorization-store.ts';

export function getAuthorization(deps: Deps) {
  return async (
    request: GetProviderConnectionAuthorizationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetProviderConnectionAuthorizationResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const connection = await getConnectionView(deps.database.query, organization, request.connection);
    checkProvider(connection, request.provider);
    const row = await findAuthorization(deps.database.query, organization.uid, connection.uid);
    if (!row) throw authorizationNotFound(connection);
    const live = await liveEnvironments(deps, organization.uid, row.environments);
    return { authorization: authorizationMessage(row, organization.slug, live) };
  };
}
