import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  WatchAwsTrustSetupRequest,
  WatchAwsTrustSetupResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { setupMessage, setupNotFound } from './trust-setup.ts';
import { findSetup } from './trust-setup-store.ts';

/**
 * Sends a set-up whenever it is another than it was. It looks into the database again and again, since any replica may carry the set-up on:
 * a look is one row by its key, and people watch few set-ups.
 */
export function watchTrustSetup({ database, setupPace }: Pick<Deps, 'database' | 'setupPace'>) {
  return async function* (
    { setupUid }: WatchAwsTrustSetupRequest,
    context: HandlerContext,
  ): AsyncGenerator<MessageInitShape<typeof WatchAwsTrustSetupResponseSchema>> {
    const { organization } = organizationCallerOf(context).membership;
    let sent = 0;
    while (!context.signal.aborted) {
      const setup = await findSetup(database.query, organization.uid, setupUid);
      if (!setup) throw setupNotFound(organization.slug, JSON.stringify(setupUid));
      if (setup.revision !== sent) yield { setup: setupMessage(setup) };
      sent = setup.revision;
      if (setup.end_time) return;
      await sleep(setupPace.watchMs, undefined, { signal: context.signal }).catch(() => {});
    }
  };
}
