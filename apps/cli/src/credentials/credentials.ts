import {
  ConnectionService,
  type IssueCredentialsResponse,
  IssueCredentialsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { toManifestObject } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { type Target, withTarget } from '../connection/target.ts';
import { printValue } from '../output/print-messages.ts';
import { openOrganization, type Session } from '../session/open-session.ts';
import { environmentOf } from '../settings/context.ts';
import { type Cli, print } from '../terminal/terminal.ts';
import { credentialsOf } from './provider-credentials.ts';
import { readScope, type Scope, type ScopeOptions, withScope } from './scope.ts';

type Format = 'json' | 'env' | 'credential-process';

interface Options extends Target, ScopeOptions {
  readonly output: Format;
}

const examples = `
Examples:
  $ eval "$(planton connection credentials --env staging -o env)"

  In ~/.aws/config, so that every AWS tool asks Planton and renews in time:
    [profile production]
    credential_process = planton connection credentials --connection prod-aws -o credential-process`;

export function addCredentials(connection: Command, cli: Cli): void {
  withScope(withTarget(connection.command('credentials')))
    .description('Print credentials for the connection that applies. Every issue is on record.')
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['json', 'env', 'credential-process'])
        .default('json'),
    )
    .addHelpText('after', examples)
    .action((options: Options) => credentials(cli, options));
}

async function credentials(cli: Cli, options: Options): Promise<void> {
  const scope = await readScope(options);
  const session = await openOrganization(cli);
  const environment = await environmentOf(cli, options.env);
  const response = await issueCredentials(
    session,
    environment,
    options,
    scope,
    options.purpose ?? 'planton connection credentials',
  );
  const { processDocument, variables } = credentialsOf(response);
  if (options.output === 'credential-process') print(cli, JSON.stringify(processDocument(response)));
  else if (options.output === 'env') print(cli, exportLines(variables(response)));
  else printValue(cli, 'json', toManifestObject(IssueCredentialsResponseSchema, response));
}

/** Asks for credentials of the connection that applies. */
export function issueCredentials(
  { org, client }: Session & { readonly org: string },
  environment: string,
  { provider = '', connection = '' }: Target,
  scope: Scope,
  purpose: string,
): Promise<IssueCredentialsResponse> {
  const request = { org, environment, provider, connection, ...scope, purpose };
  return client(ConnectionService).issueCredentials(request);
}

/** Lines that a POSIX shell can evaluate. */
function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`)
    .join('\n');
}
