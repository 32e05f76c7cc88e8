import type { ConnectRouter } from '@connectrpc/connect';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { AuditTrail } from '@planton/audit-trail';
import { keepTrail } from './audit/keep-trail.ts';
import { deleteAuthorization } from './authorizations/delete-authorization.ts';
import { getAuthorization } from './authorizations/get-authorization.ts';
import { listAuthorizations } from './authorizations/list-authorizations.ts';
import { setAuthorization } from './authorizations/set-authorization.ts';
import { applyConnection } from './connections/apply-connection.ts';
import { deleteConnection } from './connections/delete-connection.ts';
import { getConnection } from './connections/get-connection.ts';
import { listConnectionRevisions } from './connections/list-connection-revisions.ts';
import { listConnections } from './connections/list-connections.ts';
import { issueCredentials } from './credentials/issue-credentials.ts';
import { deleteDefault } from './defaults/delete-default.ts';
import { getDefault } from './defaults/get-default.ts';
import { listDefaults } from './defaults/list-defaults.ts';
import { setDefault } from './defaults/set-default.ts';
import type { Deps } from './deps.ts';
import { getPolicy } from './policies/get-policy.ts';
import { setPolicy } from './policies/set-policy.ts';
import { resolveConnection } from './resolution/resolve-connection.ts';
import { getTrustSetup } from './trust-setups/get-trust-setup.ts';
import { initiateTrustSetup } from './trust-setups/initiate-trust-setup.ts';
import { watchTrustSetup } from './trust-setups/watch-trust-setup.ts';
import { verifyConnection } from './verification/verify-connection.ts';

/** Registers every RPC of the service. */
export function connectionRoutes(
  deps: Deps,
  { rpcs }: Pick<AuditTrail, 'rpcs'> = keepTrail(deps),
): (router: ConnectRouter) => void {
  const implementation = {
    applyConnection: applyConnection(deps),
    getConnection: getConnection(deps),
    listConnections: listConnections(deps),
    deleteConnection: deleteConnection(deps),
    listConnectionRevisions: listConnectionRevisions(deps),
    verifyConnection: verifyConnection(deps),
    resolveConnection: resolveConnection(deps),
    issueCredentials: issueCredentials(deps),
    initiateAwsTrustSetup: initiateTrustSetup(deps),
    getAwsTrustSetup: getTrustSetup(deps),
    watchAwsTrustSetup: watchTrustSetup(deps),
    setDefaultProviderConnection: setDefault(deps),
    getDefaultProviderConnection: getDefault(deps),
    listDefaultProviderConnections: listDefaults(deps),
    deleteDefaultProviderConnection: deleteDefault(deps),
    setProviderConnectionAuthorization: setAuthorization(deps),
    getProviderConnectionAuthorization: getAuthorization(deps),
    listProviderConnectionAuthorizations: listAuthorizations(deps),
    deleteProviderConnectionAuthorization: deleteAuthorization(deps),
    getOrganizationPolicy: getPolicy(deps),
    setOrganizationPolicy: setPolicy(deps),
    ...rpcs,
  };
  return (router) => {
    router.service(ConnectionService, implementation);
  };
}
