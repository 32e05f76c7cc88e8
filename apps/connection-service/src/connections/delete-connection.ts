import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DeleteConnectionRequest,
  DeleteConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { liveEnvironments } from '../environments/live-environments.ts';
import { deliverOwnReferences } from '../references/deliver-references.ts';
import { retireOwnedSecrets } from '../trust-setups/retire-owned-secrets.ts';
import { type ConnectionRow, checkEtag, connectionNotFound } from './connection.ts';
import {
  type ConnectionUser,
  deleteConnectionRow,
  dropDefaults,
  listConnectionUsers,
  lockConnection,
} from './connection-change-store.ts';
import { getConnectionView } from './connection-store.ts';

/** Deletes a connection that nothing refers to. Its history stays; its references are released. */
export function deleteConnection(deps: Deps) {
  return async (
    request: DeleteConnectionRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteConnectionResponseSchema>> => {
    await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    const view = await getConnectionView(deps.database.query, organization, request.connection);
    // Looked up after they were read: whatever is not alive now was deleted, since no uid comes back.
    const live = await liveEnvironments(deps, organization.uid, view.defaults);
    const lost = view.defaults.filter(({ uid }) => !live.has(uid)).map(({ uid }) => uid);

    await deps.database.transact(async (tx) => {
      const row = await lockConnection(tx, view.uid);
      if (!row) throw connectionNotFound(organization.slug, request.connection);
      checkEtag(request.etag, row, `connection "${row.slug}"`, `planton get ${row.kind} ${row.slug}`);
      await dropDefaults(tx, row.uid, lost);
      const users = await listConnectionUsers(tx, row.uid);
      if (users.length > 0) throw inUse(row, users);
      await deleteConnectionRow(tx, row, caller.subject.name);
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        { action: 'connection.delete', resource: row, version: row.revision + 1 },
      );
    });
    await deliverOwnReferences(deps, view.uid);
    await retireOwnedSecrets(deps, view.uid).catch((error: unknown) => {
      deps.logger.warn({ connection: view.uid, error }, 'secrets of the connection are retired later');
    });
    return {};
  };
}

function inUse(row: ConnectionRow, users: readonly ConnectionUser[]) {
  const violations = users.map((user) => ({ field: user.kind, message: describeUser(user) }));
  return state(
    'CONNECTION_IN_USE',
    `connection "${row.slug}" is in use: ${violations.map(({ message }) => message).join(', ')}`,
    {
      hint: users.map((user) => releaseCommand(row, user)).join('; '),
      metadata: { connection: row.slug },
      violations,
    },
  );
}

function describeUser(user: ConnectionUser): string {
  if (user.kind === 'authorization') return 'an authorisation';
  return user.environment.uid === ''
    ? 'default of the organisation'
    : `default of environment ${user.environment.slug}`;
}

function releaseCommand({ provider, slug }: ConnectionRow, user: ConnectionUser): string {
  if (user.kind === 'authorization') {
    return `planton delete ProviderConnectionAuthorization ${provider}.${slug}`;
  }
  const environment = user.environment.uid === '' ? '' : ` --env ${user.environment.slug}`;
  return `planton connection default unset --provider ${provider}${environment}`;
}
