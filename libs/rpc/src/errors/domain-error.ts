/**
 * What kind of refusal an error is. Each kind maps to one Connect code in `map-error.ts`.
 *
 * - `invalid`: the request is wrong in itself; sending it again cannot help
 * - `missing`: what it names does not exist, or not for this caller
 * - `duplicate`: what it would create exists
 * - `stale`: the object has changed since the caller read it
 * - `state`: the request is right, the state of things forbids it
 * - `denied`: the caller may not do this
 * - `unauthenticated`: nobody knows who calls
 * - `quota`: too much, or too often
 * - `unavailable`: something that is needed does not answer; try again
 * - `internal`: a fault of ours; the message is not shown to callers
 */
export type ErrorKind =
  | 'invalid'
  | 'missing'
  | 'duplicate'
  | 'stale'
  | 'state'
  | 'denied'
  | 'unauthenticated'
  | 'quota'
  | 'unavailable'
  | 'internal';

/** One thing that is wrong with a request: `field` is a path such as `spec.region.value`. */
export interface Violation {
  readonly field: string;
  readonly message: string;
}

export interface ErrorExtra {
  /** The next command to type. */
  readonly hint?: string;
  /** Facts that are safe to show: slugs, counts, field names. Never a secret value. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly violations?: readonly Violation[];
  /** Milliseconds after which the same request can be taken; absent where waiting alone does not help. */
  readonly retryAfterMs?: number;
  /** What caused it: logged once, never sent. */
  readonly cause?: unknown;
}

/**
 * An error that callers are meant to see: a kind, a stable upper-case reason to decide on, and a message that says what is
 * wrong and where. Thrown by services, mapped to the wire by one interceptor.
 */
export class DomainError extends Error {
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly hint: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly Violation[];
  readonly retryAfterMs: number | undefined;

  constructor(kind: ErrorKind, reason: string, message: string, extra: ErrorExtra = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = 'DomainError';
    this.kind = kind;
    this.reason = reason;
    this.hint = extra.hint ?? '';
    this.metadata = extra.metadata ?? {};
    this.violations = extra.violations ?? [];
    this.retryAfterMs = extra.retryAfterMs;
  }
}

const of = (kind: ErrorKind) => (reason: string, message: string, extra?: ErrorExtra) =>
  new DomainError(kind, reason, message, extra);

export const invalid = of('invalid');
export const missing = of('missing');
export const duplicate = of('duplicate');
export const stale = of('stale');
export const state = of('state');
export const denied = of('denied');
export const unauthenticated = of('unauthenticated');
export const quota = of('quota');
export const unavailable = of('unavailable');
export const internal = of('internal');
