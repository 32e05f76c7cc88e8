import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListUnconfirmedRunnerOwnersRequest,
  ListUnconfirmedRunnerOwnersResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { invalid, serviceCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { listUnconfirmed } from './reference-store.ts';

export function listUnconfirmedRunnerOwners({ database }: Deps) {
  return async (
    request: ListUnconfirmedRunnerOwnersRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListUnconfirmedRunnerOwnersResponseSchema>> => {
    const { service } = serviceCallerOf(context);
    if (!request.before) throw invalid('VALIDATION_FAILED', 'before: has to be given');
    const owners = await listUnconfirmed(database.query, service, timestampDate(request.before));
    return {
      owners: owners.map(({ uid, kind, slug, organization_uid, revision }) => ({
        owner: { uid, kind, slug },
        organizationUid: organization_uid,
        revision,
      })),
    };
  };
}
