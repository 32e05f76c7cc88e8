import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DeleteDefaultProviderConnectionRequest,
  DeleteDefaultProviderConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { defaultName, defaultNotFound } from './default.ts';
import { deleteDefaultRow } from './default-store.ts';

export function deleteDefault(deps: Deps) {
  return async (
    request: DeleteDefaultProviderConnectionRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteDefaultProviderConnectionResponseSchema>> => {
    const { organization, environment } = await deps.scopeOf(context, request.environment, { write: true });
    const caller = organizationCallerOf(context);
    const { provider } = request;
    await deps.database.transact(async (tx) => {
      const row = await deleteDefaultRow(tx, {
        organizationUid: organization.uid,
        provider,
        environmentUid: environment?.uid ?? '',
      });
      if (!row) throw defaultNotFound(organization.slug, provider, request.environment);
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'default.delete',
          resource: {
            kind: 'DefaultProviderConnection',
            uid: row.uid,
            slug: defaultName(provider, request.environment),
          },
          environment: request.environment,
          version: row.revision,
          details: { connection_uid: row.connection_uid },
        },
      );
    });
    return {};
  };
}
