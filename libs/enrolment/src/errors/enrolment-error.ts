/**
 * What can be done about an error:
 *
 * - `refused`: the platform says no; the same again will not help
 * - `unavailable`: the platform did not answer, or cannot now; try again
 * - `answer`: what the platform answered cannot be used
 * - `file`: a credentials file is missing, damaged, open to others, or cannot be written
 */
export type EnrolmentErrorKind = 'refused' | 'unavailable' | 'answer' | 'file';

/** Why a runner has no identity: a stable upper-case reason to decide on, and a message without secrets. */
export class EnrolmentError extends Error {
  readonly kind: EnrolmentErrorKind;
  readonly reason: string;
  /** What to do next; empty for nothing. */
  readonly hint: string;

  constructor(
    kind: EnrolmentErrorKind,
    reason: string,
    message: string,
    extra: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = 'EnrolmentError';
    this.kind = kind;
    this.reason = reason;
    this.hint = extra.hint ?? '';
  }
}
