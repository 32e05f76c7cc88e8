/** What a request claims about its signature, before any of it is believed. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly scope: Scope;
  /** Lower-case, in the order they were signed. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
  /** Such as `20260301T120000Z`. */
  readonly time: string;
  readonly sessionToken: string | undefined;
  /** Seconds that a presigned URL is good for; absent when the signature is in a header. */
  readonly expires?: number;
}

export interface Scope {
  /** Such as `20260301`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';
