/** What the operator told the server about cross-account trust. */
export interface TrustSettings {
  /** ARN of the platform runner's identity in AWS; absent where the operator has set none. */
  readonly principalArn?: string | undefined;
  /** Where AWS finds the template; absent where the operator has set none. */
  readonly templateUrl?: string | undefined;
  /** Where the server is reached. */
  readonly publicUrl: string;
  /** Whether the operator named it, and it is no guess. */
  readonly publicUrlGiven: boolean;
}

/** Where stacks call back. */
export const CALLBACK_PATH = '/callbacks/aws/cloudformation';

export function callbackUrl({ publicUrl }: Pick<TrustSettings, 'publicUrl'>): string {
  return `${publicUrl}${CALLBACK_PATH}`;
}

/** Whether a callback may be sent there: its token must not cross a network in the clear. */
export function isConfidential({ publicUrl }: Pick<TrustSettings, 'publicUrl'>): boolean {
  const { protocol, hostname } = new URL(publicUrl);
  return protocol === 'https:' || /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/.test(hostname);
}
