import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListRunnerTokensRequest,
  ListRunnerTokensResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { encodePageToken, numberedPosition, organizationCallerOf, pageSizeOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { findRunnerByName } from '../runners/runner-store.ts';
import { tokenMessage } from './token.ts';
import { listTokens } from './token-store.ts';

export function listRunnerTokens({ database }: Deps) {
  return async (
    request: ListRunnerTokensRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListRunnerTokensResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const runner = await findRunnerByName(database.query, organization, request.runner);
    const query = JSON.stringify(['tokens', runner.uid]);
    const after = numberedPosition(request.pageToken, query);
    const size = pageSizeOf(request.pageSize);
    const rows = await listTokens(
      database.query,
      runner.uid,
      after && { createTime: after.number, uid: after.text },
      size + 1,
    );
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      tokens: page.map((row) => tokenMessage(row, runner.slug)),
      nextPageToken:
        rows.length > size && last ? encodePageToken([String(last.create_micros), last.uid], query) : '',
    };
  };
}
