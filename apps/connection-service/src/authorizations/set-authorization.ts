import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  ApplyOutcome,
  type SetProviderConnectionAuthorizationRequest,
  type SetProviderConnectionAuthorizationResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { isForeignKeyViolation } from '@planton/database';
import { internal, organizationCallerOf, stale } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { checkEtag, type EnvironmentName } from '../connections/connection.ts';
import { getConnectionView } from '../connections/connection-store.ts';
import { checkOrganization } from '../connections/draft.ts';
import { checkDerivedMetadata } from '../defaults/default.ts';
import type { Deps } from '../deps.ts';
import {
  authorizationMessage,
  authorizationName,
  authorizationNotFound,
  checkProvider,
  KIND,
} from './authorization.ts';
import { type AuthorizationRow, findAuthorization, writeAuthorization } from './authorization-store.ts';
import { findEnvironments } from './find-environments.ts';

type Response = MessageInitShape<typeof SetProviderConnectionAuthorizationResponseSchema>;

const ATTEMPTS = 10;

/** Replaces the one authorisation of a connection. All environments that do not exist are named in one error. */
export function setAuthorization(deps: Deps) {
  return async (
    request: SetProviderConnectionAuthorizationRequest,
    context: HandlerContext,
  ): Promise<Response> => {
    await deps.scopeOf(context, '', { write: true });
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const response = await attemptSet(deps, request, context);
      if (response) return response;
    }
    throw stale('AUTHORIZATION_CONTENDED', 'the authorisation is being changed by others all the time', {
      hint: 'try again in a moment',
    });
  };
}

/** Undefined where someone else was faster. */
async function attemptSet(
  deps: Deps,
  request: SetProviderConnectionAuthorizationRequest,
  context: HandlerContext,
): Promise<Response | undefined> {
  const manifest = request.authorization;
  if (!manifest?.spec)
    throw internal('MANIFEST_INCOMPLETE', 'an authorisation without spec passed validation');
  const caller = organizationCallerOf(context);
  const { organization } = caller.membership;
  checkOrganization(manifest.metadata, organization.slug);
  const connection = await getConnectionView(deps.database.query, organization, manifest.spec.connection);
  checkProvider(connection, manifest.spec.provider);
  const name = authorizationName(connection.provider, connection.slug);
  checkDerivedMetadata(manifest.metadata, KIND, name);

  const stored = await findAuthorization(deps.database.query, organization.uid, connection.uid);
  checkEtag(
    request.etag,
    stored,
    `the authorisation of connection "${connection.slug}"`,
    `planton get ${KIND} ${name}`,
  );
  const living = await deps.lookUpEnvironments(organization.uid);
  const live = new Set(living.map(({ uid }) => uid));
  const environments = findEnvironments(
    manifest.spec.environments,
    living,
    organization.slug,
    'spec.environments',
  );
  const scope = manifest.spec.scope === AuthorizationScope.ORGANIZATION ? 'organization' : 'environment';
  if (stored && stored.scope === scope && sameEnvironments(stored, environments, live)) {
    const authorization = authorizationMessage(stored, organization.slug, live);
    return { authorization, outcome: ApplyOutcome.UNCHANGED };
  }
  const outcome = stored ? ApplyOutcome.UPDATED : ApplyOutcome.CREATED;
  if (request.validateOnly) return { authorization: manifest, outcome };

  const change = {
    uid: stored?.uid ?? deps.newUid(),
    organizationUid: organization.uid,
    connectionUid: connection.uid,
    scope,
    environments,
    expectedRevision: stored?.revision ?? 0,
    by: caller.subject.name,
  } as const;
  const written = await deps.database
    .transact(async (tx) => {
      if (!(await writeAuthorization(tx, change))) return false;
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'authorization.set',
          resource: { kind: KIND, uid: change.uid, slug: name },
          version: change.expectedRevision + 1,
          details: { scope, environments: environments.map(({ slug }) => slug).join(',') },
        },
      );
      return true;
    })
    .catch((error) => {
      // The connection was deleted in between: the next attempt says so.
      if (isForeignKeyViolation(error)) return false;
      throw error;
    });
  if (!written) return undefined;
  const now = await findAuthorization(deps.database.query, organization.uid, connection.uid);
  if (!now) throw authorizationNotFound(connection);
  return { authorization: authorizationMessage(now, organization.slug, live), outcome };
}

/** Environments that are gone do not count. */
function sameEnvironments(
  stored: AuthorizationRow,
  wanted: readonly EnvironmentName[],
  live: ReadonlySet<string>,
): boolean {
  const before = new Set(stored.environments.map(({ uid }) => uid).filter((uid) => live.has(uid)));
  return before.size === wanted.length && wanted.every(({ uid }) => before.has(uid));
}
