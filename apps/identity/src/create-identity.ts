import { randomBytes } from 'node:crypto';
import type { ConnectRouter } from '@connectrpc/connect';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { type AuditSettings, keepAuditTrail } from '@planton/audit-trail';
import { type Engine, migrate, openDatabase } from '@planton/database';
import type { HttpRoute, IdentityPort, Logger, OidcSettings } from '@planton/rpc';
import { createPasswordLink } from './accounts/create-password-link.ts';
import { disableAccount } from './accounts/disable-account.ts';
import { enableAccount } from './accounts/enable-account.ts';
import { listAccounts } from './accounts/list-accounts.ts';
import { forgetPasswordLinks } from './accounts/password-link-store.ts';
import { createApiKey } from './api-keys/create-api-key.ts';
import { listApiKeys } from './api-keys/list-api-keys.ts';
import { revokeApiKey } from './api-keys/revoke-api-key.ts';
import { type BootstrapSettings, bootstrapInstance } from './bootstrap/bootstrap-instance.ts';
import { keepServiceKey } from './bootstrap/keep-service-key.ts';
import type { Deps } from './deps.ts';
import { createEnvironment } from './environments/create-environment.ts';
import { deleteEnvironment } from './environments/delete-environment.ts';
import { listEnvironmentsOf } from './environments/environment-store.ts';
import { listEnvironments } from './environments/list-environments.ts';
import { lookUpEnvironments } from './environments/look-up-environments.ts';
import { forgetCodes } from './grants/code-store.ts';
import { forgetDeviceRequests } from './grants/device-store.ts';
import { forgetGrants } from './grants/grant-store.ts';
import { createInvitation } from './invitations/create-invitation.ts';
import { forgetInvitations } from './invitations/invitation-store.ts';
import { listInvitations } from './invitations/list-invitations.ts';
import { revokeInvitation } from './invitations/revoke-invitation.ts';
import { listMembers } from './members/list-members.ts';
import { removeMember } from './members/remove-member.ts';
import { setMember } from './members/set-member.ts';
import { migrations } from './migrations/index.ts';
import { forgetDeparted } from './oidc/state-store.ts';
import { createOrganization } from './organizations/create-organization.ts';
import { listOrganizations } from './organizations/list-organizations.ts';
import { listRevocations } from './revocations/list-revocations.ts';
import { forgetRevocations, listRevocations as readRevocations } from './revocations/revocation-store.ts';
import type { IdentityTables } from './schema.ts';
import { createServiceAccount } from './service-accounts/create-service-account.ts';
import { deleteServiceAccount } from './service-accounts/delete-service-account.ts';
import { listServiceAccounts } from './service-accounts/list-service-accounts.ts';
import { forgetBrowserSessions } from './sign-in/browser-session-store.ts';
import { offerOwnerLink } from './sign-in/offer-owner-link.ts';
import { forgetOwnerLinks } from './sign-in/owner-link-store.ts';
import { servePages } from './sign-in/serve-pages.ts';
import { createSite } from './sign-in/site.ts';
import { forgetOldFailures } from './sign-in/throttle-store.ts';
import { whoAmI } from './subjects/who-am-i.ts';
import { createTokenSigner } from './tokens/create-token-signer.ts';
import { exchangeToken } from './tokens/exchange-token.ts';
import { getJsonWebKeySet } from './tokens/get-json-web-key-set.ts';
import { exchangeKey, type IssuedToken, issueServiceToken } from './tokens/issue-token.ts';

/** Milliseconds between two clean-ups. */
const CLEAN_UP_INTERVAL_MS = 10 * 60_000;

const forgetters = [
  forgetRevocations,
  forgetBrowserSessions,
  forgetOwnerLinks,
  forgetOldFailures,
  forgetCodes,
  forgetDeparted,
  forgetDeviceRequests,
  forgetGrants,
  forgetPasswordLinks,
  forgetInvitations,
];

export interface IdentitySettings {
  readonly engine: Engine;
  /** The issuer of access tokens: the public URL of the platform. */
  readonly issuer: string;
  /** Encrypts the private signing keys; at least 32 characters, derived from the master key, the same on every replica. */
  readonly secret: string;
  readonly logger: Logger;
  readonly newUid: () => string;
  /** How the audit trail is sealed and streamed; neither when absent. */
  readonly audit?: AuditSettings;
  /** Where the operator's link to set up the owner's account is while it is not used; none when absent. */
  readonly ownerLinkFile?: string;
  /** The OpenID provider that people may sign in with; none when absent. */
  readonly oidc?: OidcSettings | undefined;
  /** Default: the system's. */
  readonly randomBytes?: (size: number) => Buffer;
}

export interface IdentityService {
  routes(router: ConnectRouter): void;
  /** The pages of sign-in, and what programs ask for there. */
  readonly http: readonly HttpRoute[];
  /** What guards need of Identity, without the network: for the process that runs it. */
  readonly port: IdentityPort;
  /** A platform service's own token, for a service in this process. */
  issueServiceToken(service: string): Promise<IssuedToken>;
  /** Call it at every start, before serving: see `bootstrapInstance`. */
  bootstrap(settings: BootstrapSettings): Promise<{ readonly created: boolean }>;
  /** For a service in another process: see `keepServiceKey`. */
  keepServiceKey(service: string, path: string): Promise<void>;
  /** Puts the owner's link into its file; nothing where the owner has a password already. Answers whether it did. */
  offerOwnerLink(): Promise<boolean>;
  start(): void;
  stop(): Promise<void>;
  /** Whether the database answers. */
  ready(): Promise<boolean>;
  /** How far the sinks of the audit trail are behind, a line each. */
  notes(): readonly string[];
}

/** Brings the schema up to date and assembles the service. */
export async function createIdentity(settings: IdentitySettings): Promise<IdentityService> {
  const { engine, issuer, secret, logger, newUid } = settings;
  await migrate(engine, 'identity', migrations);
  const database = openDatabase<IdentityTables>(engine, 'identity');
  const signer = await createTokenSigner({ database, issuer, secret, newUid });
  const deps: Deps = {
    database,
    signer,
    publicUrl: issuer,
    newUid,
    randomBytes: settings.randomBytes ?? randomBytes,
  };
  const { oidc } = settings;
  const site = createSite({ ...deps, logger, ...(oidc && { oidc }) });
  const { ownerLinkFile } = settings;

  const trail = keepAuditTrail({
    engine,
    schema: 'identity',
    service: 'identity',
    audit: settings.audit,
    logger,
    replica: newUid(),
    random: Math.random,
  });
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const cleanUp = async () => {
    for (const forget of forgetters) {
      await forget(database.query).catch((error: unknown) =>
        logger.warn({ error }, 'what has ended cannot be forgotten now'),
      );
    }
  };

  return {
    routes: (router) =>
      router.service(Identity, {
        createOrganization: createOrganization(deps),
        listOrganizations: listOrganizations(deps),
        createEnvironment: createEnvironment(deps),
        listEnvironments: listEnvironments(deps),
        deleteEnvironment: deleteEnvironment(deps),
        lookUpEnvironments: lookUpEnvironments(deps),
        listMembers: listMembers(deps),
        setMember: setMember(deps),
        removeMember: removeMember(deps),
        createInvitation: createInvitation(deps),
        listInvitations: listInvitations(deps),
        revokeInvitation: revokeInvitation(deps),
        listAccounts: listAccounts(deps),
        disableAccount: disableAccount(deps),
        enableAccount: enableAccount(deps),
        createPasswordLink: createPasswordLink(deps),
        createServiceAccount: createServiceAccount(deps),
        listServiceAccounts: listServiceAccounts(deps),
        deleteServiceAccount: deleteServiceAccount(deps),
        createApiKey: createApiKey(deps),
        listApiKeys: listApiKeys(deps),
        revokeApiKey: revokeApiKey(deps),
        exchangeToken: exchangeToken(deps),
        whoAmI: whoAmI(deps),
        getJsonWebKeySet: getJsonWebKeySet(deps),
        listRevocations: listRevocations(deps),
        ...trail.rpcs,
      }),
    http: servePages(site, ownerLinkFile),
    port: {
      exchange: (apiKey, org) => exchangeKey(deps, apiKey, org),
      fetchKeys: () => signer.publicKeys(),
      readRevocations: () => readRevocations(database.query),
      lookUpEnvironments: (organizationUid) => listEnvironmentsOf(database.query, organizationUid),
    },
    issueServiceToken: (service) => issueServiceToken(deps, service),
    bootstrap: (where) => bootstrapInstance(deps, where),
    keepServiceKey: (service, path) => keepServiceKey(deps, service, path),
    offerOwnerLink: async () => ownerLinkFile !== undefined && (await offerOwnerLink(site, ownerLinkFile)),
    start: () => {
      trail.start();
      timer ??= setInterval(() => {
        running = cleanUp();
      }, CLEAN_UP_INTERVAL_MS);
    },
    stop: async () => {
      clearInterval(timer);
      await Promise.all([running, trail.stop()]);
    },
    notes: trail.notes,
    ready: () =>
      engine.ping().then(
        () => true,
        () => false,
      ),
  };
}
