import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListConnectionsRequest,
  ListConnectionsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { encodePageToken, organizationCallerOf, pageSizeOf, textPosition } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { hideLostEnvironments } from '../environments/live-environments.ts';
import { connectionMessage } from './connection.ts';
import { listConnectionViews } from './connection-store.ts';

export function listConnections(deps: Deps) {
  return async (
    request: ListConnectionsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListConnectionsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const query = JSON.stringify(['connections', organization.uid, request.provider]);
    const [after = ''] = textPosition(request.pageToken, query, 1) ?? [];
    const size = pageSizeOf(request.pageSize);
    const rows = await listConnectionViews(deps.database.query, organization.uid, {
      provider: request.provider,
      after,
      limit: size + 1,
    });
    const page = await hideLostEnvironments(deps, organization.uid, rows.slice(0, size));
    const last = page.at(-1);
    return {
      connections: page.flatMap((view) => connectionMessage(view) ?? []),
      nextPageToken: rows.length > size && last ? encodePageToken([last.slug], query) : '',
    };
  };
}
