import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetAwsTrustSetupRequest,
  GetAwsTrustSetupResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { invalid, organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { setupMessage, setupNotFound } from './trust-setup.ts';
import { findNewestSetup, findSetup } from './trust-setup-store.ts';

export function getTrustSetup({ database }: Pick<Deps, 'database'>) {
  return async (
    { setupUid, connection }: GetAwsTrustSetupRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetAwsTrustSetupResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    if (setupUid === '' && connection === '') {
      throw invalid('SETUP_NOT_NAMED', 'setup_uid: is needed where no connection is named', {
        violations: [{ field: 'setup_uid', message: 'is needed where no connection is named' }],
      });
    }
    const setup =
      setupUid === ''
        ? await findNewestSetup(database.query, organization.uid, connection)
        : await findSetup(database.query, organization.uid, setupUid);
    if (
      !setup ||
      (connection !== '' && ![setup.connection_slug, setup.connection_name].includes(connection))
    ) {
      throw setupNotFound(
        organization.slug,
        setupUid === '' ? `of connection ${JSON.stringify(connection)}` : JSON.stringify(setupUid),
      );
    }
    return { setup: setupMessage(setup) };
  };
}
