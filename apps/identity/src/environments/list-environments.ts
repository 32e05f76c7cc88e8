import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListEnvironmentsRequest,
  ListEnvironmentsResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { environmentMessage } from './environment-message.ts';
import { listEnvironmentsOf } from './environment-store.ts';

/** The environments that the caller's role covers. */
export function listEnvironments({ database }: Deps) {
  return async (
    _request: ListEnvironmentsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListEnvironmentsResponseSchema>> => {
    const { organization, environments: covered } = organizationCallerOf(context).membership;
    const all = await listEnvironmentsOf(database.query, organization.uid);
    return {
      environments: all
        .filter(({ uid }) => covered === 'all' || covered.includes(uid))
        .map((environment) => environmentMessage(environment, organization.slug)),
    };
  };
}
