import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DeleteProviderConnectionAuthorizationRequest,
  DeleteProviderConnectionAuthorizationResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { getConnectionView } from '../connections/connection-store.ts';
import type { Deps } from '../deps.ts';
import { authorizationName, authorizationNotFound, checkProvider, KIND } from './authorization.ts';
import { deleteAuthorizationRow } from './authorization-store.ts';

/** Opens the connection to every environment, and says so. */
export function deleteAuthorization(deps: Deps) {
  return async (
    request: DeleteProviderConnectionAuthorizationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteProviderConnectionAuthorizationResponseSchema>> => {
    await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    const connection = await getConnectionView(deps.database.query, organization, request.connection);
    checkProvider(connection, request.provider);
    await deps.database.transact(async (tx) => {
      const row = await deleteAuthorizationRow(tx, connection.uid);
      if (!row) throw authorizationNotFound(connection);
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'authorization.delete',
          resource: {
            kind: KIND,
            uid: row.uid,
            slug: authorizationName(connection.provider, connection.slug),
          },
          version: row.revision,
          details: { scope: row.scope },
        },
      );
    });
    return {
      warnings: [`connection "${connection.slug}" may now be used in every environment`],
    };
  };
}
