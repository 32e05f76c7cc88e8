import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { notFound } from '../../errors/cli-error.ts';
import { printOne, withOutput } from '../../output/print-messages.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { providerOfConnection } from '../choose-provider.ts';
import { type AuthorizationOptions, authorizations } from './authorization.ts';

export function addAuthorizationGet(authorization: Command, cli: Cli): void {
  const command = authorization
    .command('get')
    .description('Show where a connection may be used.')
    .option('--provider <name>', 'provider; that of the connection if left out')
    .requiredOption('--connection <name>', 'name or slug of the connection');
  withOutput(command).action(async (options: AuthorizationOptions) => {
    const session = await openOrganization(cli);
    const { connection } = options;
    const provider = await providerOfConnection(session, options.provider, connection);
    const request = { org: session.org, provider, connection };
    const response = await session.client(ConnectionService).getProviderConnectionAuthorization(request);
    if (!response.authorization)
      throw notFound(`no authorisation for ${connection}`, 'planton connection authorization list');
    printOne(cli, options, authorizations, response.authorization);
  });
}
