import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  ResolvedReferenceSchema,
  ResolveReferencesRequest,
  ResolveReferencesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { KeyringError } from '@planton/keyring';
import {
  denied,
  hasPermission,
  invalid,
  missing,
  type OrganizationCaller,
  organizationCallerOf,
  type Scope,
} from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { describeLevel, environmentFlag, levelOf } from '../level.ts';
import { openText } from '../secrets/seal-version.ts';
import { secretDamaged } from '../secrets/secret.ts';
import { type Target, targetsOf } from './reference.ts';
import { type MissingTarget, type Resolved, resolveAndRecord, type SealedValue } from './resolve-store.ts';

type Value = MessageInitShape<typeof ResolvedReferenceSchema>;

export function resolveReferences(deps: Deps) {
  return async (
    request: ResolveReferencesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ResolveReferencesResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const targets = targetsOf(request.references);
    const scope =
      request.ownerUid === ''
        ? await scopeOfNamed(deps, request, context, caller, targets)
        : scopeOfOwner(request, caller);

    const resolved = await resolveAndRecord(deps.database.query, {
      level: levelOf(scope),
      targets,
      ...(request.ownerUid === '' ? {} : { ownerUid: request.ownerUid }),
      environment: scope.environment?.slug ?? '',
      purpose: request.purpose,
      caller,
    });
    const absent = resolved.filter((each) => each.kind === 'missing');
    if (absent.length > 0) throw referencesNotFound(absent, scope, request.ownerUid);
    return { values: await openAll(deps, scope, caller, request.purpose, resolved) };
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

/** What does not decrypt is recorded once more, as failed, and nothing is handed out. */
async function openAll(
  { database, keyring }: Deps,
  scope: Scope,
  caller: OrganizationCaller,
  purpose: string,
  resolved: readonly Resolved[],
): Promise<Value[]> {
  const organization = scope.organization.uid;
  const open = async (sealed: SealedValue): Promise<Value> => {
    const organizationKey = await keyring.unwrapOrganizationKey(organization, sealed.organizationKey);
    const place = { organization, secret: sealed.secretUid, version: sealed.versionUid };
    const dataKey = keyring.unwrapDataKey(organizationKey, place, sealed.wrappedDataKey);
    const value = openText(keyring, dataKey, sealed.key, sealed.ciphertext);
    return { value, targetUid: sealed.secretUid, version: sealed.version };
  };

  const values: Value[] = [];
  for (const each of resolved) {
    if (each.kind === 'variable') values.push({ value: each.value, targetUid: each.uid, version: 0 });
    if (each.kind !== 'secret') continue;
    try {
      values.push(await open(each));
    } catch (error) {
      if (!(error instanceof KeyringError)) throw error;
      await recordAudit(database.query, organization, caller, [
        {
          action: 'secret.access',
          resource: { kind: 'secret', uid: each.secretUid, slug: each.slug },
          environment: scope.environment?.slug ?? '',
          version: each.version,
          purpose,
          outcome: 'failed',
          details: { reason: 'SECRET_DAMAGED', entries: each.key },
        },
      ]);
      throw secretDamaged(each.slug, each.version, error);
    }
  }
  return values;
}

function referencesNotFound(absent: readonly MissingTarget[], scope: Scope, ownerUid: string) {
  const violations = absent.map(({ target, what, index }) => ({
    field: `references[${index}]`,
    message: describeMissing(target, what, scope, ownerUid),
  }));
  const [first] = absent;
  const kind = first?.target.kind ?? 'secret';
  return missing('REFERENCES_NOT_FOUND', [...new Set(violations.map(({ message }) => message))].join('; '), {
    hint: `planton ${kind} list${environmentFlag(scope)}`,
    metadata: { count: String(violations.length) },
    violations,
  });
}

function describeMissing(
  { kind, slug, key }: Target,
  what: MissingTarget['what'],
  scope: Scope,
  ownerUid: string,
): string {
  if (what === 'entry') return `secret "${slug}" has no entry "${key}"`;
  if (what === 'deleted') return `${kind} "${slug}" was deleted`;
  if (ownerUid !== '') return `${kind} "${slug}" is not registered for owner ${ownerUid}`;
  return `${kind} "${slug}" does not exist in ${describeLevel(scope)}`;
}
