/**
 * How far a connection came:
 *
 * - `network`: nothing answered at the address
 * - `proxy`: the proxy on the way did not pass it on
 * - `gateway`: what answered is not the gateway that the credentials name, or speaks something else
 * - `credentials`: the credentials cannot be used
 */
export type DialStage = 'network' | 'proxy' | 'gateway' | 'credentials';

/** Why there is no connection to the gateway, and what to look at. */
export class DialFailed extends Error {
  readonly stage: DialStage;
  /** Of Node or OpenSSL, such as `ECONNREFUSED`; empty for none. */
  readonly code: string;
  readonly hint: string;

  constructor(stage: DialStage, code: string, message: string, hint: string) {
    super(message);
    this.name = 'DialFailed';
    this.stage = stage;
    this.code = code;
    this.hint = hint;
  }
}

/** The code of what Node threw; of several attempts to connect, the last one's. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors.at(-1));
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.name : 'Error';
}
