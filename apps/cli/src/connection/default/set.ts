import { ApplyOutcome, ConnectionService } from '@planton/api/connect/v1/connection_service';
import { apiVersion } from '@planton/manifest';
import type { Command } from 'commander';
import { openOrganization } from '../../session/open-session.ts';
import { type Cli, say } from '../../terminal/terminal.ts';
import { providerOfConnection } from '../choose-provider.ts';

interface Options {
  readonly provider?: string;
  readonly connection: string;
  readonly env?: string;
}

const examples = `
Examples:
  $ planton connection default set --provider aws --connection my-aws-connection
  $ planton connection default set --provider aws --connection prod-aws --env production`;

export function addDefaultSet(standard: Command, cli: Cli): void {
  standard
    .command('set')
    .description('Set the default of the organisation, or of one environment.')
    .option('--provider <name>', 'provider; that of the connection if left out')
    .requiredOption('--connection <name>', 'name or slug of the connection')
    .option('--env <slug>', 'environment; the organisation if left out')
    .addHelpText('after', examples)
    .action((options: Options) => set(cli, options));
}

async function set(cli: Cli, { connection, env: environment = '', ...options }: Options): Promise<void> {
  const session = await openOrganization(cli);
  const provider = await providerOfConnection(session, options.provider, connection);
  const spec = { provider, connection, environment };
  const response = await session.client(ConnectionService).setDefaultProviderConnection({
    org: session.org,
    default: { apiVersion, kind: 'DefaultProviderConnection', spec },
  });
  const level = environment === '' ? session.org : `environment ${environment}`;
  const slug = response.default?.spec?.connection ?? connection;
  const done = response.outcome === ApplyOutcome.UNCHANGED ? 'is the default already' : 'is the default now';
  say(cli, `${slug} ${done} for ${provider} in ${level}`);
}
