/** How long to wait between attempts, in milliseconds. */
export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Full jitter: anywhere between nothing and a limit that doubles with every failure up to the cap, so that runners which lost
 * their gateway at the same moment do not come back at the same moment.
 *
 * @param failures attempts that failed in a row
 * @param random in [0, 1)
 * @returns milliseconds
 */
export function backoff(failures: number, random: number, { baseMs, capMs }: BackoffLimits): number {
  // Beyond 2 ** 30 the limit is the cap anyway.
  return random * Math.min(capMs, baseMs * 2 ** Math.min(failures, 30));
}
