import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  SetReferencesRequest,
  SetReferencesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { ReferencePhase } from '@planton/api/config/v1/reference';
import { invalid } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { organizationServiceOf } from '../service-caller.ts';
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
    const calling = organizationServiceOf(context, request.organizationUid);
    const owner = ownerOf(request, calling.service);
    const targets = targetsOf(request.references);
    if (request.phase === ReferencePhase.REGISTER) {
      const { revision, validateOnly } = request;
      await registerReferences(deps, calling, owner, revision, targets, { validateOnly });
    } else {
      await commitReferences(deps, owner, request.revision, targets);
    }
    return {};
  };
}

function ownerOf({ owner, organizationUid }: SetReferencesRequest, service: string): OwnerIdentity {
  if (!owner) throw invalid('VALIDATION_FAILED', 'owner: has to be named');
  const { uid, kind, slug } = owner;
  return { uid, kind, slug, service, organizationUid };
}
