import type { IssueCredentialsResponse } from '@planton/api/connect/v1/connection_service';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import type { Env } from './aws/child-environment.ts';
import { awsCredentials } from './aws/credentials.ts';

/** How credentials reach a child process: an endpoint that it asks again and again, or plain variables. */
export type Injection = 'endpoint' | 'env';

/** What has to be there for a child process, and what ends with it. */
export interface Provision {
  readonly env: Env;
  /** When credentials end that are not renewed; absent where they are, and where they have no end. */
  readonly endTime?: Date;
  readonly close: () => Promise<void>;
}

/** Asks the server for credentials of the same connection again. */
export type Issue = () => Promise<IssueCredentialsResponse>;

/** What a provider's credentials can be turned into. A provider joins with a folder here and a line in `providers`. */
export interface ProviderCredentials {
  /** For tools that run a program to get credentials. */
  readonly processDocument: (response: IssueCredentialsResponse) => object;
  /** Variables for tools that know only those; the names that are left unset are absent. */
  readonly variables: (response: IssueCredentialsResponse) => Readonly<Record<string, string>>;
  /** Prepares the environment of a child process, so that it can use no other credentials than these. */
  readonly provide: (request: ProvideRequest) => Promise<Provision>;
}

export interface ProvideRequest {
  readonly injection: Injection;
  readonly parent: Env;
  readonly first: IssueCredentialsResponse;
  readonly issue: Issue;
  readonly now: () => Date;
  /** Hears of a renewal that failed. */
  readonly onFailure: (error: unknown) => void;
}

const providers: ReadonlyMap<string, ProviderCredentials> = new Map([['aws', awsCredentials]]);

/** What the credentials that were issued can be turned into. */
export function credentialsOf(response: IssueCredentialsResponse): ProviderCredentials {
  const provider = providers.get(response.credentials.case ?? '');
  if (!provider)
    throw new CliError('this CLI does not know these credentials', {
      exitCode: exitCodes.failed,
      hint: 'is the server newer than this CLI?',
    });
  return provider;
}
