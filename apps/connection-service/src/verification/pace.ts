/** How often connections are verified without being asked. */
export interface VerificationPace {
  /** Seconds from one verification to the next. */
  readonly everySeconds: number;
  /** Seconds after a change of the connection; none of the schedule's while someone asks before. */
  readonly afterChangeSeconds: number;
  /** Milliseconds from one look for connections that are due to the next. */
  readonly pollMs: number;
}

export const defaultPace: VerificationPace = {
  everySeconds: 6 * 3_600,
  afterChangeSeconds: 60,
  pollMs: 5_000,
};

const FIRST_RETRY_SECONDS = 60;
const SECOND_LOOK_SECONDS = 60;
const SECOND_LOOK_SPREAD_SECONDS = 30;
/** Each pause is shorter or longer by up to this part of it, so that connections that changed together spread out. */
const JITTER = 0.2;

/**
 * Seconds until a connection about which something was found out is verified again.
 *
 * @param random in [0, 1)
 */
export function pauseAfterResult({ everySeconds }: VerificationPace, random: number): number {
  return spread(everySeconds, random);
}

/**
 * Seconds until the next attempt at a connection about which nothing could be found out: twice as long each time, and no longer than
 * from one verification to the next.
 *
 * @param attempts how many there have been in a row before this one
 * @param random in [0, 1)
 */
export function pauseAfterFailure(
  { everySeconds }: VerificationPace,
  attempts: number,
  random: number,
): number {
  return spread(Math.min(everySeconds, FIRST_RETRY_SECONDS * 2 ** Math.min(attempts, 30)), random);
}

/**
 * Seconds until something is looked at again that may be a change which has not arrived everywhere.
 *
 * @param random in [0, 1)
 */
export function pauseBeforeSecondLook(random: number): number {
  return SECOND_LOOK_SECONDS + SECOND_LOOK_SPREAD_SECONDS * random;
}

function spread(seconds: number, random: number): number {
  return seconds * (1 - JITTER + 2 * JITTER * random);
}
