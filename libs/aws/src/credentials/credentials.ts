/** What signs a request to AWS. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a temporary key only. */
  readonly sessionToken?: string | undefined;
  /** When a temporary key stops working; unknown for one that somebody pasted. */
  readonly expiration?: Date | undefined;
  /** The role that the key is a session of. */
  readonly roleArn?: string | undefined;
}
