import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetConnectionRequest,
  GetConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf, state } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { hideLostEnvironments } from '../environments/live-environments.ts';
import { connectionMessage } from './connection.ts';
import { getConnectionView } from './connection-store.ts';

export function getConnection(deps: Deps) {
  return async (
    request: GetConnectionRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetConnectionResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const found = await getConnectionView(deps.database.query, organization, request.connection);
    const [view = found] = await hideLostEnvironments(deps, organization.uid, [found]);
    const connection = connectionMessage(view);
    if (connection) return { connection };
    throw state(
      'PROVIDER_UNKNOWN',
      `connection "${view.slug}" is of provider "${view.provider}", which this release does not know`,
      { hint: 'start a newer release of the server' },
    );
  };
}
