export { accessRuleOf, assertAccessRules } from './access/access-rule.ts';
export { isRoleName, type RoleName, roleHolds, roleIncludes } from './access/permissions.ts';
export { type AuditOutcomeName, auditMessage } from './audit/audit-message.ts';
export { type AccessToken, createTokenVerifier, TOKEN_AUDIENCE } from './authentication/access-token.ts';
export type { Authenticator } from './authentication/authenticator.ts';
export type {
  RevocationSnapshot,
  Revocations,
} from './authentication/revocations.ts';
export {
  type Caller,
  callerOf,
  hasPermission,
  type Membership,
  type OrganizationCaller,
  organizationCallerOf,
  type RequestOrigin,
  requestOriginOf,
  type ServiceCaller,
  type Subject,
  serviceCallerOf,
} from './caller/caller.ts';
export {
  type PeerCertificate,
  peerCertificateOf,
  type TlsConnection,
  tlsConnectionOf,
} from './caller/tls-connection.ts';
export { keepServiceToken } from './clients/service-token.ts';
export {
  asActor,
  createMemoryTransport,
  createNetworkTransport,
  type ServiceIdentity,
} from './clients/service-transport.ts';
export type {
  EnvironmentName,
  LookUpEnvironments,
  Scope,
  ScopeOf,
} from './environments/resolve-scope.ts';
export {
  DomainError,
  denied,
  duplicate,
  type ErrorExtra,
  type ErrorKind,
  internal,
  invalid,
  missing,
  quota,
  stale,
  state,
  unauthenticated,
  unavailable,
  type Violation,
} from './errors/domain-error.ts';
export { toDomainError } from './errors/map-error.ts';
export type { RequestRates } from './limits/count-requests.ts';
export { networkOf } from './limits/network-of.ts';
export { createLogger, type Logger, type LogLevel, logLevels } from './logging/logger.ts';
export { reportGauge } from './metrics/report-gauge.ts';
export { numberedPosition, numberPosition, textPosition } from './paging/page-position.ts';
export { decodePageToken, encodePageToken, pageSizeOf, pageTokenInvalid } from './paging/page-token.ts';
export type { OidcSettings } from './process/oidc-settings.ts';
export {
  describeServerFlags,
  readServerSettings,
  readText,
  type ServerSettings,
  SettingsRefused,
} from './process/read-settings.ts';
export { type Running, runProcess } from './process/run-process.ts';
export { type DatabaseAccess, runService, type ServiceSurroundings } from './process/run-service.ts';
export { type ServicePart, serveParts } from './process/serve-parts.ts';
export { ACTOR_HEADER } from './server/admit.ts';
export { clientAddressOf } from './server/client-address.ts';
export { endAndHangUp } from './server/end-and-hang-up.ts';
export { createGuard, type Guard, type GuardSettings, type IdentityPort } from './server/guard.ts';
export {
  answerPlainly,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
} from './server/http-route.ts';
export { type Listener, ListenFailed } from './server/listen.ts';
export { type ServeSettings, serve } from './server/serve.ts';
export {
  type MutualTlsCertificates,
  type MutualTlsLimits,
  type MutualTlsListener,
  type MutualTlsSettings,
  serveMutualTls,
} from './server/serve-mutual-tls.ts';
export { makeSlug } from './slugs/make-slug.ts';
