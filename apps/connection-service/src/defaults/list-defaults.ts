import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListDefaultProviderConnectionsRequest,
  ListDefaultProviderConnectionsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { encodePageToken, organizationCallerOf, pageSizeOf, textPosition } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { liveEnvironments } from '../environments/live-environments.ts';
import { defaultMessage } from './default.ts';
import { listDefaults as listDefaultRows } from './default-store.ts';

/** A page is shorter than asked for where it held defaults of environments that are gone. */
export function listDefaults(deps: Deps) {
  return async (
    request: ListDefaultProviderConnectionsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListDefaultProviderConnectionsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const query = JSON.stringify(['defaults', organization.uid]);
    const after = textPosition(request.pageToken, query, 3);
    const size = pageSizeOf(request.pageSize);
    const rows = await listDefaultRows(deps.database.query, organization.uid, after, size + 1);
    const page = rows.slice(0, size);
    const live = await liveEnvironments(
      deps,
      organization.uid,
      page.map((row) => ({ uid: row.environment_uid })),
    );
    const last = page.at(-1);
    return {
      defaults: page
        .filter((row) => live.has(row.environment_uid))
        .map((row) => defaultMessage(row, organization.slug)),
      nextPageToken:
        rows.length > size && last
          ? encodePageToken([last.environment_slug, last.provider, last.environment_uid], query)
          : '',
    };
  };
}
