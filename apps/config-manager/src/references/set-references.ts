import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  SetReferencesRequest,
  SetReferencesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { ReferencePhase } from '@planton/api/config/v1/reference';
import { denied, invalid, type ServiceCaller, serviceCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { commitReferences } from './commit-references.ts';
import { targetsOf } from './reference.ts';
import type { OwnerIdentity } from './reference-store.ts';
import { registerReferences } from './register-references.ts';

/**
 * Keeps *registered ⊇ committed* for owners in another service's database. That service registers old ∪ new before it commits, and
 * sends the exact set afterwards, as often as it takes: a crash of either side leaves a superset, never a gap.
 */
export function setReferences(deps: Deps) {
  return async (
    request: SetReferencesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof SetReferencesResponseSchema>> => {
    const caller = serviceCallerOf(context);
    const owner = ownerOf(request, caller);
    const targets = targetsOf(request.references);
    if (request.phase === ReferencePhase.REGISTER) {
      const { revision, validateOnly } = request;
      await registerReferences(deps, caller, owner, revision, targets, { validateOnly });
    } else {
      await commitReferences(deps, owner, request.revision, targets);
    }
    return {};
  };
}

function ownerOf({ owner, organizationUid }: SetReferencesRequest, caller: ServiceCaller): OwnerIdentity {
  if (!owner) throw invalid('VALIDATION_FAILED', 'owner: has to be named');
  const actorOrganization = caller.actor?.membership?.organization.uid;
  if (caller.actor && actorOrganization !== organizationUid) {
    throw denied('ORGANIZATION_MISMATCH', 'organization_uid is not the organisation of the actor');
  }
  const { uid, kind, slug } = owner;
  return { uid, kind, slug, service: caller.service, organizationUid };
}
