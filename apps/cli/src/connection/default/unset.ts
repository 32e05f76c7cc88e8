import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { openOrganization } from '../../session/open-session.ts';
import { confirm } from '../../terminal/confirm.ts';
import { type Cli, say } from '../../terminal/terminal.ts';
import { soleProvider } from '../choose-provider.ts';

interface Options {
  readonly provider?: string;
  readonly env?: string;
  readonly yes?: boolean;
}

export function addDefaultUnset(standard: Command, cli: Cli): void {
  standard
    .command('unset')
    .description('Remove the default of the organisation, or of one environment.')
    .option('--provider <name>', 'provider; not needed while only one has connections')
    .option('--env <slug>', 'environment; the organisation if left out')
    .option('-y, --yes', 'do not ask')
    .action(async ({ env: environment = '', yes, ...options }: Options) => {
      const session = await openOrganization(cli);
      const provider = await soleProvider(session, options.provider);
      const level = environment === '' ? session.org : `environment ${environment}`;
      await confirm(cli, `Remove the default for ${provider} in ${level}?`, yes);
      await session
        .client(ConnectionService)
        .deleteDefaultProviderConnection({ org: session.org, provider, environment });
      say(cli, `${provider} has no default in ${level} now`);
    });
}
