/** What a check found wrong: `reason` is a closed word to decide on, `message` a predicate that reads after the name of a field. */
export interface Fault<Reason extends string> {
  readonly ok: false;
  readonly reason: Reason;
  /** Tells a length, a position or the rule that failed; never a character of the value that was checked. */
  readonly message: string;
}

/** The result of a format check that finds nothing out beside whether the value is right. */
export type Check<Reason extends string> = { readonly ok: true } | Fault<Reason>;

/** The result of a format check that also takes the value apart. */
export type Parsed<Value, Reason extends string> =
  | { readonly ok: true; readonly value: Value }
  | Fault<Reason>;

export function fault<Reason extends string>(reason: Reason, message: string): Fault<Reason> {
  return { ok: false, reason, message };
}
