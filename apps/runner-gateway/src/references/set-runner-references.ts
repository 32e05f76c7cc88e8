import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { RegistrationPhase } from '@planton/api/common/v1/reference';
import type {
  SetRunnerReferencesRequest,
  SetRunnerReferencesResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { denied, invalid, type ServiceCaller, serviceCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { commitReferences } from './commit-references.ts';
import type { OwnerIdentity } from './reference-store.ts';
import { registerReferences } from './register-references.ts';

/**
 * Keeps *registered ⊇ committed* for owners in another service's database. That service registers old ∪ new before it commits, and
 * sends the exact set afterwards, as often as it takes: a crash of either side leaves a superset, never a gap.
 */
export function setRunnerReferences(deps: Deps) {
  return async (
    request: SetRunnerReferencesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof SetRunnerReferencesResponseSchema>> => {
    const caller = serviceCallerOf(context);
    const owner = ownerOf(request, caller);
    const { revision, runners, validateOnly } = request;
    if (request.phase === RegistrationPhase.REGISTER) {
      return {
        runnerUids: await registerReferences(deps, caller, owner, revision, runners, { validateOnly }),
      };
    }
    await commitReferences(deps, owner, revision, runners);
    return {};
  };
}

function ownerOf(
  { owner, organizationUid }: SetRunnerReferencesRequest,
  caller: ServiceCaller,
): OwnerIdentity {
  if (!owner) throw invalid('VALIDATION_FAILED', 'owner: has to be named');
  const actorOrganization = caller.actor?.membership?.organization.uid;
  if (caller.actor && actorOrganization !== organizationUid) {
    throw denied('ORGANIZATION_MISMATCH', 'organization_uid is not the organisation of the actor');
  }
  const { uid, kind, slug } = owner;
  return { uid, kind, slug, service: caller.service, organizationUid };
}
