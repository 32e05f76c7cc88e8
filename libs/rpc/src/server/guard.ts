import type { Interceptor } from '@connectrpc/connect';
import type { JSONWebKeySet } from 'jose';
import { createTokenVerifier } from '../authentication/access-token.ts';
import { createAuthenticator } from '../authentication/authenticator.ts';
import {
  followRevocations,
  type RevocationSnapshot,
  type Revocations,
} from '../authentication/revocations.ts';
import { createScopeResolver, type LookUpEnvironments, type ScopeOf } from '../environments/resolve-scope.ts';
import type { RequestRates } from '../limits/count-requests.ts';
import { createLimits, type Limits } from '../limits/limits.ts';
import type { Logger } from '../logging/logger.ts';
import { admit } from './admit.ts';
import { observe } from './observe.ts';
import { type RequestGate, stopStrangers } from './stop-strangers.ts';

/** What every service needs of Identity; the process that runs Identity reaches it directly, others over the network. */
export interface IdentityPort {
  /** Exchanges an API key for an access token that speaks for `org`, or for no organisation when it is empty. */
  exchange(apiKey: string, org: string): Promise<{ readonly token: string; readonly expireTime: number }>;
  /** The public keys that verify access tokens. */
  fetchKeys(): Promise<JSONWebKeySet>;
  /** The revocations that can still matter. */
  readRevocations(): Promise<RevocationSnapshot>;
  lookUpEnvironments: LookUpEnvironments;
}

export interface GuardSettings {
  /** The issuer of access tokens: the public URL of the platform. */
  readonly issuer: string;
  readonly identity: IdentityPort;
  readonly rates: RequestRates;
  readonly logger: Logger;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  readonly newRequestId: () => string;
  /** Recognises the errors of a database that does not answer. */
  readonly isUnavailable: (error: unknown) => boolean;
}

export interface Guard {
  /** What every RPC from the network passes before its body is read. */
  readonly gate: RequestGate;
  /** What every RPC passes, outermost first. */
  readonly interceptors: Interceptor[];
  readonly limits: Limits;
  readonly scopeOf: ScopeOf;
  readonly revocations: Revocations;
  start(): void;
  stop(): Promise<void>;
}

/** Assembles what stands between the network and the handlers of a service. */
export function createGuard(settings: GuardSettings): Guard {
  const { identity, logger, now, monotonic } = settings;
  const revocations = followRevocations({ read: () => identity.readRevocations(), now: monotonic, logger });
  const limits = createLimits(settings.rates);
  const authenticator = createAuthenticator({
    verify: createTokenVerifier({ issuer: settings.issuer, fetchKeys: () => identity.fetchKeys(), now }),
    exchange: async (apiKey, org) => (await identity.exchange(apiKey, org)).token,
    revocations,
    failures: limits.failures,
    now,
  });
  const observed = {
    logger,
    newRequestId: settings.newRequestId,
    now: monotonic,
    isUnavailable: settings.isUnavailable,
  };
  return {
    gate: stopStrangers({ ...observed, authenticator, limits }),
    interceptors: [observe(observed), admit({ authenticator, revocations, limits })],
    limits,
    scopeOf: createScopeResolver(
      (organizationUid) => identity.lookUpEnvironments(organizationUid),
      revocations,
    ),
    revocations,
    start: () => revocations.start(),
    stop: () => revocations.stop(),
  };
}
