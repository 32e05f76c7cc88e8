/** Every cause that can be named, as the contract of runners spells it (`AwsAccessCauseCode`). */
export const AWS_FAILURE_CODES = [
  'NO_CREDENTIALS',
  'UNKNOWN_KEY',
  'WRONG_SECRET',
  'EXPIRED',
  'CLOCK_SKEW',
  'WRONG_ACCOUNT',
  'TRUST_POLICY',
  'EXTERNAL_ID',
  'ORGANIZATION_POLICY',
  'REGION_DISABLED',
  'THROTTLED',
  'UNREACHABLE',
  'PROPAGATING',
  'EXTERNAL_ID_NOT_ENFORCED',
] as const;

export type AwsFailureCode = (typeof AWS_FAILURE_CODES)[number];

/** What is known of a call to AWS that failed. */
export interface AwsFailure {
  /** The error's name: the code that AWS answered, or the SDK's own, such as `CredentialsProviderError`. */
  readonly name: string;
  readonly message?: string;
  /** Absent where nothing answered. */
  readonly httpStatus?: number;
  /** Of Node, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`. */
  readonly networkCode?: string;
}

export interface AwsFailureContext {
  /** How the call authenticated: with what the SDK found, with a key that it was given, or by assuming a role. */
  readonly method: 'default_chain' | 'access_key' | 'role';
  /** The region that was asked. */
  readonly region?: string;
  /** Values that must not be in the observation whatever AWS says, such as the key, the token and the external ID that were sent. */
  readonly secrets?: readonly string[];
}

/** A possible cause: what it is, and what to do about it. */
export interface AwsFailureCause {
  readonly code: AwsFailureCode;
  readonly message: string;
  readonly hint: string;
}

export interface AwsFailureExplanation {
  /** `inconclusive` says nothing about the credentials: throttling, a network that is down, an answer that is not AWS's. */
  readonly verdict: 'refused' | 'inconclusive';
  /** What was seen, in one line. Holds no credentials. */
  readonly observation: string;
  /**
   * Most likely first. A single one only where it was observable; none where nothing in the contract names it, such as a duration that
   * the role does not allow: the observation says it then.
   */
  readonly causes: readonly AwsFailureCause[];
}
