import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { openOrganization } from '../../session/open-session.ts';
import { confirm } from '../../terminal/confirm.ts';
import { type Cli, say, warn } from '../../terminal/terminal.ts';
import { providerOfConnection } from '../choose-provider.ts';
import type { AuthorizationOptions } from './authorization.ts';

export function addAuthorizationDelete(authorization: Command, cli: Cli): void {
  authorization
    .command('delete')
    .description('Remove the authorisation of a connection, which opens it to every environment.')
    .option('--provider <name>', 'provider; that of the connection if left out')
    .requiredOption('--connection <name>', 'name or slug of the connection')
    .option('-y, --yes', 'do not ask')
    .action(async ({ connection, yes, ...options }: AuthorizationOptions) => {
      const session = await openOrganization(cli);
      const provider = await providerOfConnection(session, options.provider, connection);
      await confirm(cli, `Open ${connection} to every environment?`, yes);
      const request = { org: session.org, provider, connection };
      const { warnings } = await session
        .client(ConnectionService)
        .deleteProviderConnectionAuthorization(request);
      say(cli, `authorisation of ${connection} deleted`);
      for (const warning of warnings) warn(cli, warning);
    });
}
