import type { AssumeRoleRequest } from '../sts/read-assume-role.ts';

/** What the simulator remembers of a request. No secret key, no signature, no token. */
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
  /** Of the session that called, where it has any. */
  readonly sessionTags?: ReadonlyMap<string, string>;
  readonly sourceIdentity?: string;
  /** Of a call of AssumeRole whose parameters were right, granted or not. */
  readonly assumeRole?: AssumeRoleRequest;
  /** 0 where nothing was answered. */
  readonly status: number;
  /** The code of the error that was answered. */
  readonly code?: string;
}
