import type { Timing } from '../session/timing.ts';

/** A runner in a hurry, so that tests are. */
export const quickTiming: Partial<Timing> = {
  backoff: { baseMs: 10, capMs: 100 },
  renewalBackoff: { baseMs: 10, capMs: 100 },
  renewalJitterMs: 10,
  renewalPauseMs: 50,
};
