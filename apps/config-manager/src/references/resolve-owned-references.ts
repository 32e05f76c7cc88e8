import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ResolveOwnedReferencesRequest,
  ResolveOwnedReferencesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { type Caller, callerOf, denied, serviceCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { openResolved } from './open-resolved.ts';
import { targetsOf } from './reference.ts';
import { referencesNotFound } from './references-not-found.ts';
import { resolveAndRecord } from './resolve-store.ts';

/** What the owner's service may read without an actor is what an actor once let the owner use, and nothing else. */
export function resolveOwnedReferences(deps: Deps) {
  return async (
    request: ResolveOwnedReferencesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ResolveOwnedReferencesResponseSchema>> => {
    const { organizationUid, ownerUid, purpose } = request;
    const caller = readerOf(context, organizationUid);
    const resolved = await resolveAndRecord(deps.database.query, {
      level: { organizationUid, environmentUid: '' },
      targets: targetsOf(request.references),
      ownerUid,
      environment: '',
      purpose,
      caller,
    });
    const absent = resolved.filter((each) => each.kind === 'missing');
    if (absent.length > 0) throw referencesNotFound(absent, { ownerUid });
    return {
      values: await openResolved(deps, { organizationUid, environment: '', caller, purpose }, resolved),
    };
  };
}

/** The service itself, as whoever reads and as the service that reads; or the actor, should it name one of the organisation. */
function readerOf(context: HandlerContext, organizationUid: string): Caller {
  const { service, actor } = serviceCallerOf(context);
  if (actor && actor.membership?.organization.uid !== organizationUid) {
    throw denied('ORGANIZATION_MISMATCH', 'organization_uid is not the organisation of the actor');
  }
  return { ...callerOf(context), via: service };
}
