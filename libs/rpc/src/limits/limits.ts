import { countFailures, type FailureCounter } from './count-failures.ts';
import { countRequests, type RequestCounter, type RequestRates } from './count-requests.ts';
import { countStreams, type StreamCounter } from './count-streams.ts';

/** What callers may ask for at most, counted in the memory of each replica. */
export interface Limits {
  readonly requests: RequestCounter;
  readonly streams: StreamCounter;
  readonly failures: FailureCounter;
}

export function createLimits(rates: RequestRates): Limits {
  return { requests: countRequests(rates), streams: countStreams(), failures: countFailures() };
}
