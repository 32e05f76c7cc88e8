import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListProviderConnectionAuthorizationsRequest,
  ListProviderConnectionAuthorizationsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { encodePageToken, organizationCallerOf, pageSizeOf, textPosition } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { liveEnvironments } from '../environments/live-environments.ts';
import { authorizationMessage } from './authorization.ts';
import { listAuthorizationRows } from './authorization-store.ts';

export function listAuthorizations(deps: Deps) {
  return async (
    request: ListProviderConnectionAuthorizationsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListProviderConnectionAuthorizationsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const query = JSON.stringify(['authorizations', organization.uid]);
    const [after = ''] = textPosition(request.pageToken, query, 1) ?? [];
    const size = pageSizeOf(request.pageSize);
    const rows = await listAuthorizationRows(deps.database.query, organization.uid, after, size + 1);
    const page = rows.slice(0, size);
    const live = await liveEnvironments(
      deps,
      organization.uid,
      page.flatMap(({ environments }) => environments),
    );
    const last = page.at(-1);
    return {
      authorizations: page.map((row) => authorizationMessage(row, organization.slug, live)),
      nextPageToken: rows.length > size && last ? encodePageToken([last.connection_slug], query) : '',
    };
  };
}
