import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { AccessToken } from '../authentication/access-token.ts';
import { type DomainError, quota } from '../errors/domain-error.ts';
import { networkOf } from './network-of.ts';

/** Seconds over which rates are averaged: a burst may take all of it at once. */
const WINDOW_S = 10;

/** Requests a second, on average over ten seconds, on each replica; 0 for no limit. */
export interface RequestRates {
  /** Of one API key, or one sign-in of a person. */
  readonly perKey: number;
  /** Of all callers in the name of one organisation. */
  readonly perOrganization: number;
  /** Of RPCs without a caller, from one address. */
  readonly perAddress: number;
}

/** Counts requests, and refuses what is over the rate with `RATE_LIMITED`. Services of the platform are not counted. */
export interface RequestCounter {
  countCaller(token: AccessToken): Promise<void>;
  countStranger(address: string): Promise<void>;
}

export function countRequests(rates: RequestRates): RequestCounter {
  const keys = counterOf(rates.perKey, 'an API key or sign-in', 'key');
  const organizations = counterOf(rates.perOrganization, 'an organisation', 'organization');
  const addresses = counterOf(rates.perAddress, 'an address without a credential', 'address');
  return {
    countCaller: async ({ subject, membership }) => {
      if (subject.kind === 'service') return;
      await keys?.(subject.apiKeyUid ?? subject.uid);
      // A key that is over its own rate takes nothing from its organisation.
      if (membership) await organizations?.(membership.organization.uid);
    },
    countStranger: async (address) => {
      await addresses?.(networkOf(address));
    },
  };
}

function counterOf(
  rate: number,
  who: string,
  scope: string,
): ((key: string) => Promise<unknown>) | undefined {
  if (rate === 0) return undefined;
  const limiter = new RateLimiterMemory({ points: rate * WINDOW_S, duration: WINDOW_S });
  return (key) =>
    limiter.consume(key).catch((refused: unknown) => {
      throw refused instanceof RateLimiterRes ? tooOften(refused.msBeforeNext, rate, who, scope) : refused;
    });
}

function tooOften(retryAfterMs: number, rate: number, who: string, scope: string): DomainError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return quota('RATE_LIMITED', `too many requests: ${who} may make ${rate} a second`, {
    hint: `try again in ${seconds} s`,
    metadata: { scope, requests_per_second: String(rate) },
    retryAfterMs,
  });
}
