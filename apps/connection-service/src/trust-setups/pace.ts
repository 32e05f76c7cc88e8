/** How fast set-ups are carried on. All but `pollMs` and `watchMs` are seconds. */
export interface SetupPace {
  /** How long a set-up is open. */
  readonly openFor: number;
  /** The pauses between attempts at a role of which nothing was heard: the first, and the longest that it grows to. */
  readonly unheard: { readonly first: number; readonly longest: number };
  /** The pauses once the role was heard of: shortly after, and the longest. */
  readonly heard: { readonly first: number; readonly longest: number };
  /** How long after it was heard of a role is tried at the faster pace. */
  readonly heardFor: number;
  /** How long a role that was announced may go on refusing the platform: far longer than IAM takes to make a change known. */
  readonly refusedFor: number;
  /** How long a role that worked may refuse the platform before it is taken for gone. */
  readonly goneAfter: number;
  /** How long a role has to let in callers without the right external ID before that is more than an old policy that is still known. */
  readonly insecureAfter: number;
  /** How long an attempt belongs to the replica that claimed it; longer than any takes. */
  readonly lease: number;
  /** Milliseconds from one look for set-ups that are due to the next. */
  readonly pollMs: number;
  /** Milliseconds from one look of a watcher to the next. */
  readonly watchMs: number;
}

export const defaultSetupPace: SetupPace = {
  openFor: 24 * 3_600,
  unheard: { first: 20, longest: 60 },
  heard: { first: 2, longest: 15 },
  heardFor: 300,
  refusedFor: 600,
  goneAfter: 120,
  insecureAfter: 90,
  lease: 75,
  pollMs: 1_000,
  watchMs: 500,
};

const GROWTH = 1.5;

/** Seconds until a role of which nothing was heard is tried again. */
export function pauseUnheard({ unheard }: SetupPace, attempts: number): number {
  return Math.min(unheard.longest, unheard.first * GROWTH ** Math.min(Math.max(attempts - 1, 0), 20));
}

/**
 * Seconds until a role that was heard of is tried again: soon at first, since IAM makes most changes known within seconds.
 *
 * @param elapsed seconds since it was heard of
 */
export function pauseHeard({ heard, heardFor, unheard }: SetupPace, elapsed: number): number {
  if (elapsed > heardFor) return unheard.longest;
  return Math.min(heard.longest, Math.max(heard.first, elapsed / 3));
}
