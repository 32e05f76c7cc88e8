import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  ApplyOutcome,
  type SetDefaultProviderConnectionRequest,
  type SetDefaultProviderConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { resolveConnection } from '@planton/connection-resolver';
import { isForeignKeyViolation } from '@planton/database';
import { internal, organizationCallerOf, type Scope, stale } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { type ConnectionView, checkEtag } from '../connections/connection.ts';
import { getConnectionView } from '../connections/connection-store.ts';
import { checkOrganization } from '../connections/draft.ts';
import type { Deps } from '../deps.ts';
import { refusal } from '../resolution/decide-connection.ts';
import { checkDerivedMetadata, defaultMessage, defaultName, defaultNotFound, levelOf } from './default.ts';
import { findDefault, writeDefault } from './default-store.ts';

type Response = MessageInitShape<typeof SetDefaultProviderConnectionResponseSchema>;

const ATTEMPTS = 10;

/** Sets the default of one level. A connection that may not be used in the environment is refused as its default. */
export function setDefault(deps: Deps) {
  return async (request: SetDefaultProviderConnectionRequest, context: HandlerContext): Promise<Response> => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const response = await attemptSet(deps, request, context);
      if (response) return response;
    }
    throw stale('DEFAULT_CONTENDED', 'the default is being changed by others all the time', {
      hint: 'try again in a moment',
    });
  };
}

/** Undefined where someone else was faster. */
async function attemptSet(
  deps: Deps,
  request: SetDefaultProviderConnectionRequest,
  context: HandlerContext,
): Promise<Response | undefined> {
  const { default: manifest, validateOnly } = request;
  if (!manifest?.spec) throw internal('MANIFEST_INCOMPLETE', 'a default without spec passed validation');
  const { provider, connection: nameOrSlug, environment: environmentSlug } = manifest.spec;
  const caller = organizationCallerOf(context);
  checkOrganization(manifest.metadata, caller.membership.organization.slug);
  const name = defaultName(provider, environmentSlug);
  checkDerivedMetadata(manifest.metadata, 'DefaultProviderConnection', name);

  const scope = await deps.scopeOf(context, environmentSlug, { write: true });
  const { organization, environment } = scope;
  const connection = await getConnectionView(deps.database.query, organization, nameOrSlug);
  checkUsable(connection, provider, scope);

  const key = { organizationUid: organization.uid, provider, environmentUid: environment?.uid ?? '' };
  const stored = await findDefault(deps.database.query, key);
  checkEtag(
    request.etag,
    stored,
    `the default for ${levelOf(organization.slug, environmentSlug)}`,
    `planton get DefaultProviderConnection ${name}`,
  );
  if (stored?.connection_uid === connection.uid) {
    return { default: defaultMessage(stored, organization.slug), outcome: ApplyOutcome.UNCHANGED };
  }
  const outcome = stored ? ApplyOutcome.UPDATED : ApplyOutcome.CREATED;
  if (validateOnly) return { default: manifest, outcome };

  const change = {
    ...key,
    uid: stored?.uid ?? deps.newUid(),
    environmentSlug,
    connectionUid: connection.uid,
    expectedRevision: stored?.revision ?? 0,
    by: caller.subject.name,
  };
  const written = await deps.database
    .transact(async (tx) => {
      if (!(await writeDefault(tx, change))) return false;
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'default.set',
          resource: { kind: 'DefaultProviderConnection', uid: change.uid, slug: name },
          environment: environmentSlug,
          version: change.expectedRevision + 1,
          details: { connection: connection.slug, connection_uid: connection.uid },
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
  const now = await findDefault(deps.database.query, key);
  if (!now) throw defaultNotFound(organization.slug, provider, environmentSlug);
  return { default: defaultMessage(now, organization.slug), outcome };
}

/**
 * Asks the resolver, as if the connection were named: the errors are the same. The organisation's default also serves
 * environments, where its authorisation is checked at use.
 */
function checkUsable(view: ConnectionView, provider: string, { organization, environment }: Scope): void {
  const listed = view.scope === 'environment' ? { scope: view.scope, environments: view.environments } : null;
  const resolution = resolveConnection(
    { organization: organization.slug, provider, environment, connection: view.slug },
    {
      explicit: { connection: view, authorization: environment ? listed : null },
      environmentDefault: null,
      organizationDefault: null,
      requireAuthorization: false,
    },
  );
  if (!resolution.ok) throw refusal(resolution.error, resolution.decision);
}
