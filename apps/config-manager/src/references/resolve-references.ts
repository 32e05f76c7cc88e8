import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  ResolveReferencesRequest,
  ResolveReferencesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import {
  denied,
  hasPermission,
  invalid,
  type OrganizationCaller,
  organizationCallerOf,
  type Scope,
} from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { openResolved } from './open-resolved.ts';
import { type Target, targetsOf } from './reference.ts';
import { referencesNotFound } from './references-not-found.ts';
import { createResolver } from './resolve-in-batches.ts';

export function resolveReferences(deps: Deps) {
  const resolve = createResolver(deps.database);
  return async (
    request: ResolveReferencesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ResolveReferencesResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const targets = targetsOf(request.references);
    const { ownerUid, purpose } = request;
    const named = ownerUid === '';
    const scope = named
      ? await scopeOfNamed(deps, request, context, caller, targets)
      : scopeOfOwner(request, caller);

    const resolved = await resolve({
      level: levelOf(scope),
      targets,
      ...(named ? {} : { ownerUid }),
      environment: scope.environment?.slug ?? '',
      purpose,
      caller,
    });
    const absent = resolved.filter((each) => each.kind === 'missing');
    if (absent.length > 0) throw referencesNotFound(absent, named ? { scope } : { ownerUid });
    const { organization, environment } = scope;
    const read = { organizationUid: organization.uid, environment: environment?.slug ?? '', caller, purpose };
    return { values: await openResolved(deps, read, resolved) };
  };
}

/** A caller in its own name needs what it would need to read each target by itself. */
async function scopeOfNamed(
  { scopeOf }: Deps,
  { environment }: ResolveReferencesRequest,
  context: HandlerContext,
  { membership }: OrganizationCaller,
  targets: readonly Target[],
): Promise<Scope> {
  const kinds = new Set(targets.map(({ kind }) => kind));
  const refuse = (permission: string) =>
    denied(
      'PERMISSION_DENIED',
      `your role ${membership.role} in ${membership.organization.slug} does not include ${permission}`,
      { metadata: { org: membership.organization.slug, role: membership.role, permission } },
    );
  if (kinds.has('secret') && !hasPermission(membership, Permission.SECRET_ACCESS))
    throw refuse('secret_access');
  if (kinds.has('variable') && !hasPermission(membership, Permission.VARIABLE_READ))
    throw refuse('variable_read');
  return scopeOf(context, environment, { write: kinds.has('secret') });
}

/** What an owner refers to is at the organisation level, whatever the actor's role covers: the owner's service decides who may use it. */
function scopeOfOwner({ environment }: ResolveReferencesRequest, caller: OrganizationCaller): Scope {
  if (caller.via === undefined) {
    throw denied('SERVICE_ONLY', 'only services of the platform may resolve the references of an owner');
  }
  if (environment !== '') {
    throw invalid('ENVIRONMENT_NOT_ALLOWED', 'environment: owners refer to the organisation level alone');
  }
  return { organization: caller.membership.organization };
}
