import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { GetRunnerRequest, GetRunnerResponseSchema } from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { runnerMessage } from './runner.ts';
import { getRunnerView } from './runner-store.ts';

export function getRunner({ database }: Deps) {
  return async (
    request: GetRunnerRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetRunnerResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    return { runner: runnerMessage(await getRunnerView(database.query, organization, request.runner)) };
  };
}
