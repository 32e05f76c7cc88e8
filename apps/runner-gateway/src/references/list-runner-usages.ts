import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListRunnerUsagesRequest,
  ListRunnerUsagesResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { findRunnerByName } from '../runners/runner-store.ts';
import { listUsers } from './reference-store.ts';

const LISTED_AT_MOST = 1_000;

export function listRunnerUsages({ database }: Deps) {
  return async (
    request: ListRunnerUsagesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListRunnerUsagesResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const { uid } = await findRunnerByName(database.query, organization, request.runner);
    const { users } = await listUsers(database.query, uid, LISTED_AT_MOST);
    return {
      usages: users.map(({ uid, kind, slug, confirmed }) => ({ owner: { uid, kind, slug }, confirmed })),
    };
  };
}
