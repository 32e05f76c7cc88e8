import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListRunnerInstancesRequest,
  ListRunnerInstancesResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { encodePageToken, organizationCallerOf, pageSizeOf, textPosition } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { instanceMessage } from './instance.ts';
import { type InstancePosition, listInstanceViews } from './instance-store.ts';
import { findRunnerByName } from './runner-store.ts';

export function listRunnerInstances({ database }: Deps) {
  return async (
    request: ListRunnerInstancesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListRunnerInstancesResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const runner = await findRunnerByName(database.query, organization, request.runner);
    const query = JSON.stringify(['instances', runner.uid, request.includeRefused]);
    const size = pageSizeOf(request.pageSize);
    const rows = await listInstanceViews(database.query, runner.uid, {
      refused: request.includeRefused,
      after: positionOf(textPosition(request.pageToken, query, 3)),
      limit: size + 1,
    });
    const page = rows.slice(0, size);
    const last = page.at(-1);
    const position = last && [last.online ? 'online' : 'offline', last.name, last.uid];
    return {
      instances: page.map(instanceMessage),
      nextPageToken: rows.length > size && position ? encodePageToken(position, query) : '',
    };
  };
}

function positionOf(parts: readonly string[] | undefined): InstancePosition | undefined {
  if (!parts) return undefined;
  const [state, name = '', uid = ''] = parts;
  return { offline: state !== 'online', name, uid };
}
