import type { PingTiming } from '../gateway/open-connection.ts';
import type { BackoffLimits } from './backoff.ts';

/** How long a runner waits for what, in milliseconds. */
export interface Timing extends PingTiming {
  /** Between attempts to connect. */
  readonly backoff: BackoffLimits;
  /** Until a connection is there, proxy and TLS included. */
  readonly dialLimitMs: number;
  /** From the hello to the welcome, and from there to what has to follow it. */
  readonly welcomeLimitMs: number;
  /** A session that lasted this long forgets the failures before it. */
  readonly settledMs: number;
  /** From the goodbye until the gateway ends the stream. */
  readonly partingMs: number;
  /** The most that a renewal is put off, so that runners which enrolled together do not renew together. */
  readonly renewalJitterMs: number;
  /** Between two renewals, whatever the clocks say. */
  readonly renewalPauseMs: number;
  /** Between attempts to renew. */
  readonly renewalBackoff: BackoffLimits;
  /** From the request to end until everything is over. */
  readonly drainLimitMs: number;
  /** Before that limit, what still runs is handed back. */
  readonly handBackMs: number;
}

export const defaultTiming: Timing = {
  pingIntervalMs: 15_000,
  pingTimeoutMs: 10_000,
  backoff: { baseMs: 500, capMs: 30_000 },
  dialLimitMs: 20_000,
  welcomeLimitMs: 60_000,
  settledMs: 30_000,
  partingMs: 3_000,
  renewalJitterMs: 3_600_000,
  renewalPauseMs: 3_600_000,
  renewalBackoff: { baseMs: 60_000, capMs: 1_800_000 },
  drainLimitMs: 25_000,
  handBackMs: 5_000,
};
