import { randomUUID } from 'node:crypto';
import {
  type ConnectRouter,
  createRouterTransport,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { RoleName } from '../access/permissions.ts';
import { TOKEN_AUDIENCE } from '../authentication/access-token.ts';
import { createMemoryTransport } from '../clients/service-transport.ts';
import type { EnvironmentName } from '../environments/resolve-scope.ts';
import { unauthenticated } from '../errors/domain-error.ts';
import type { RequestRates } from '../limits/count-requests.ts';
import type { Logger } from '../logging/logger.ts';
import { createGuard, type Guard } from '../server/guard.ts';

const ISSUER = 'http://identity.test';
const LIFETIME_MS = 300_000;

/** A member of an organisation, for a token. */
export interface TestMember {
  readonly uid?: string;
  readonly name?: string;
  readonly kind?: 'user' | 'service_account';
  readonly org: { readonly uid: string; readonly slug: string };
  readonly role: RoleName;
  /** Uids of the environments that the role covers; absent for all. */
  readonly environments?: readonly string[];
  readonly apiKeyUid?: string;
}

/**
 * Stands for Identity in the tests of the services: signs real tokens with a real key, and serves routes behind the real
 * interceptors.
 */
export interface TestPlatform {
  readonly guard: Guard;
  /** Living environments by organisation uid; tests add and remove. */
  readonly environments: Map<string, EnvironmentName[]>;
  /** API key to access token, for tests of the exchange. */
  readonly apiKeys: Map<string, () => Promise<string>>;
  /** Makes the subject's earlier tokens worthless, at once in this process. */
  revoke(subjectUid: string): Promise<void>;
  tokenFor(member: TestMember): Promise<string>;
  /** A token with exactly these claims beside the standard ones, which can be overridden too. */
  sign(claims: Record<string, unknown>): Promise<string>;
  serviceToken(service: string): Promise<string>;
  /** Calls the routes as whoever holds the token; without one as a stranger. */
  transportFor(routes: (router: ConnectRouter) => void, token?: string): Transport;
  /** Calls the routes as a service of the platform, for the actor of the context where there is one. */
  serviceTransport(
    routes: (router: ConnectRouter) => void,
    service: string,
    beforeCall?: (what: string) => void,
  ): Transport;
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export async function createTestPlatform(
  settings: {
    readonly logger?: Logger;
    readonly isUnavailable?: (error: unknown) => boolean;
    /** Default: none. */
    readonly rates?: RequestRates;
  } = {},
): Promise<TestPlatform> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA' }] };
  const environments = new Map<string, EnvironmentName[]>();
  const apiKeys = new Map<string, () => Promise<string>>();
  const revoked = new Map<string, number>();

  const sign: TestPlatform['sign'] = (claims) => {
    const ms = Date.now();
    return new SignJWT({ name: 'test', kind: 'user', ms, ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'test' })
      .setIssuer(typeof claims.iss === 'string' ? claims.iss : ISSUER)
      .setAudience(typeof claims.aud === 'string' ? claims.aud : TOKEN_AUDIENCE)
      .setSubject(typeof claims.sub === 'string' ? claims.sub : randomUUID())
      .setIssuedAt(Math.floor(ms / 1000))
      .setExpirationTime(typeof claims.exp === 'number' ? claims.exp : Math.floor((ms + LIFETIME_MS) / 1000))
      .sign(privateKey);
  };

  const guard = createGuard({
    issuer: ISSUER,
    identity: {
      exchange: async (apiKey) => {
        const make = apiKeys.get(apiKey);
        if (!make)
          throw unauthenticated('API_KEY_INVALID', 'the API key is not valid', {
            hint: 'planton auth login',
          });
        return { token: await make(), expireTime: Date.now() + LIFETIME_MS };
      },
      fetchKeys: async () => keySet,
      readRevocations: async () => new Map(revoked),
      lookUpEnvironments: async (organizationUid) => environments.get(organizationUid) ?? [],
    },
    rates: settings.rates ?? { perKey: 0, perOrganization: 0, perAddress: 0 },
    logger: settings.logger ?? silent,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    newRequestId: randomUUID,
    isUnavailable: settings.isUnavailable ?? (() => false),
  });
  await guard.revocations.refresh();

  const bearer =
    (token: string): Interceptor =>
    (next) =>
    (request) => {
      request.header.set('authorization', `Bearer ${token}`);
      return next(request);
    };

  const serviceToken = (service: string) =>
    sign({ kind: 'service', name: service, sub: `service-${service}` });

  return {
    guard,
    environments,
    apiKeys,
    sign,
    serviceToken,
    revoke: async (subjectUid) => {
      revoked.set(subjectUid, Date.now() + 1);
      await guard.revocations.refresh();
    },
    tokenFor: ({ uid, name, kind, org, role, environments: envs, apiKeyUid }) =>
      sign({
        kind: kind ?? 'user',
        org: { ...org, role, ...(envs ? { envs } : {}) },
        ...(uid ? { sub: uid } : {}),
        ...(name ? { name } : {}),
        ...(apiKeyUid ? { key: apiKeyUid } : {}),
      }),
    transportFor: (routes, token) =>
      createRouterTransport(routes, {
        router: { interceptors: guard.interceptors },
        transport: { interceptors: token === undefined ? [] : [bearer(token)] },
      }),
    serviceTransport: (routes, service, beforeCall = () => {}) =>
      createMemoryTransport(routes, guard.interceptors, { token: () => serviceToken(service), beforeCall }),
  };
}
