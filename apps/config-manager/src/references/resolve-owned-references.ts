import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ResolveOwnedReferencesRequest,
  ResolveOwnedReferencesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import type { Deps } from '../deps.ts';
import { organizationServiceOf } from '../service-caller.ts';
import { openResolved } from './open-resolved.ts';
import { targetsOf } from './reference.ts';
import { referencesNotFound } from './references-not-found.ts';
import { createResolver } from './resolve-in-batches.ts';

/** What the owner's service may read without an actor is what an actor once let the owner use, and nothing else. */
export function resolveOwnedReferences(deps: Deps) {
  const resolve = createResolver(deps.database);
  return async (
    request: ResolveOwnedReferencesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ResolveOwnedReferencesResponseSchema>> => {
    const { organizationUid, ownerUid, purpose } = request;
    const { caller } = organizationServiceOf(context, organizationUid);
    const resolved = await resolve({
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
