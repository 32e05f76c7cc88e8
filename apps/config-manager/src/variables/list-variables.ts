import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListVariablesRequest,
  ListVariablesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { decodePageToken, encodePageToken, pageSizeOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { placeOf } from '../place.ts';
import { variableMessage } from './variable.ts';
import { listVariableRows } from './variable-store.ts';

export function listVariables({ database, scopeOf }: Deps) {
  return async (
    request: ListVariablesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListVariablesResponseSchema>> => {
    const scope = await scopeOf(context, request.environment);
    const level = levelOf(scope);
    const size = pageSizeOf(request.pageSize);
    const query = `variables ${level.organizationUid} ${level.environmentUid}`;
    const after = placeOf(decodePageToken(request.pageToken, query));
    const rows = await listVariableRows(database.query, level, after, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      variables: page.map((variable) => variableMessage(variable, scope)),
      nextPageToken: last && rows.length > size ? encodePageToken([last.slug, last.uid], query) : '',
    };
  };
}
