import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { ListRunnersRequest, ListRunnersResponseSchema } from '@planton/api/runner/v1/runner_service';
import { encodePageToken, organizationCallerOf, pageSizeOf, textPosition } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { runnerMessage } from './runner.ts';
import { listRunnerViews } from './runner-store.ts';

export function listRunners({ database }: Deps) {
  return async (
    request: ListRunnersRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListRunnersResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const query = JSON.stringify(['runners', organization.uid]);
    const [after = ''] = textPosition(request.pageToken, query, 1) ?? [];
    const size = pageSizeOf(request.pageSize);
    const rows = await listRunnerViews(database.query, organization.uid, { after, limit: size + 1 });
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      runners: page.map(runnerMessage),
      nextPageToken: rows.length > size && last ? encodePageToken([last.slug], query) : '',
    };
  };
}
