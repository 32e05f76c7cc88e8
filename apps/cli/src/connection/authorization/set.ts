import { ApplyOutcome, ConnectionService } from '@planton/api/connect/v1/connection_service';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { apiVersion } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { usage } from '../../errors/cli-error.ts';
import { splitList } from '../../program/split-list.ts';
import { openOrganization } from '../../session/open-session.ts';
import { type Cli, say } from '../../terminal/terminal.ts';
import { providerOfConnection } from '../choose-provider.ts';
import type { AuthorizationOptions } from './authorization.ts';

interface Options extends AuthorizationOptions {
  readonly scope: keyof typeof scopes;
  readonly environments?: readonly string[];
}

const scopes = { organization: AuthorizationScope.ORGANIZATION, environment: AuthorizationScope.ENVIRONMENT };

const examples = `
Examples:
  $ planton connection authorization set --connection prod-aws --scope environment --environments production
  $ planton connection authorization set --connection shared-aws --scope organization`;

export function addAuthorizationSet(authorization: Command, cli: Cli): void {
  authorization
    .command('set')
    .description('Limit a connection to exactly these environments, or open it to the whole organisation.')
    .option('--provider <name>', 'provider; that of the connection if left out')
    .requiredOption('--connection <name>', 'name or slug of the connection')
    .addOption(
      new Option('--scope <scope>', 'how far it reaches').choices(Object.keys(scopes)).makeOptionMandatory(),
    )
    .option(
      '--environments <slugs>',
      'with scope environment: slugs separated by commas; "" for none',
      splitList,
    )
    .addHelpText('after', examples)
    .action((options: Options) => set(cli, options));
}

async function set(cli: Cli, { connection, scope, environments, ...options }: Options): Promise<void> {
  if (scope === 'environment' && environments === undefined)
    throw usage(
      'scope environment needs --environments',
      'for example --environments production,staging; "" for none',
    );
  if (scope === 'organization' && environments !== undefined)
    throw usage(
      'scope organization covers every environment',
      'leave out --environments, or use --scope environment',
    );

  const session = await openOrganization(cli);
  const provider = await providerOfConnection(session, options.provider, connection);
  const spec = { provider, connection, scope: scopes[scope], environments: [...(environments ?? [])] };
  const response = await session.client(ConnectionService).setProviderConnectionAuthorization({
    org: session.org,
    authorization: { apiVersion, kind: 'ProviderConnectionAuthorization', spec },
  });
  const where =
    scope === 'organization' ? 'everywhere' : `in ${environments?.join(', ') || 'no environment'}`;
  const unchanged = response.outcome === ApplyOutcome.UNCHANGED ? ', as before' : '';
  say(cli, `${response.authorization?.spec?.connection ?? connection} may be used ${where}${unchanged}`);
}
