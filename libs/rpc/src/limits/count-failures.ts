import { RateLimiterMemory } from 'rate-limiter-flexible';
import { type DomainError, quota } from '../errors/domain-error.ts';
import { networkOf } from './network-of.ts';

/** Wrong credentials from one address within a minute that are looked at. */
const FREE_FAILURES = 30;

const WINDOW_S = 60;

/** Seconds without a look at anything that is not known to be right already. */
const PAUSE_S = 60;

/**
 * Counts wrong credentials by the address that they come from. Credentials that are remembered as good never wait: whoever works behind the
 * same address as somebody who guesses goes on.
 */
export interface FailureCounter {
  /** Throws `TOO_MANY_FAILURES` while nothing from the address is looked at. No address is always looked at. */
  refusePaused(address: string): Promise<void>;
  /** Notes a wrong credential. */
  count(address: string): Promise<void>;
}

export function countFailures(): FailureCounter {
  const limiter = new RateLimiterMemory({
    points: FREE_FAILURES,
    duration: WINDOW_S,
    blockDuration: PAUSE_S,
  });
  return {
    refusePaused: async (address) => {
      if (address === '') return;
      const counted = await limiter.get(networkOf(address));
      if (counted && counted.consumedPoints > FREE_FAILURES) throw tooManyFailures(counted.msBeforeNext);
    },
    count: async (address) => {
      if (address !== '') await limiter.consume(networkOf(address)).catch(() => {});
    },
  };
}

function tooManyFailures(retryAfterMs: number): DomainError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return quota('TOO_MANY_FAILURES', 'too many wrong credentials came from this address', {
    hint: `correct the credential, then try again in ${seconds} s`,
    retryAfterMs,
  });
}
