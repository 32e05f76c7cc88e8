/** What the simulator remembers of a request. No key, no signature, no token, and no parameter but the action. */
export interface RecordedCall {
  readonly requestId: string;
  readonly time: Date;
  readonly method: string;
  /** Absent when the request did not get so far as to name one that is plausible. */
  readonly service?: string;
  readonly region?: string;
  readonly action?: string;
  readonly accessKeyId?: string;
  /** Present only when the signature was right. */
  readonly callerArn?: string;
  readonly status: number;
  /** The code of the error that was answered. */
  readonly code?: string;
}
