import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { notFound } from '../../errors/cli-error.ts';
import { type OutputFormat, printOne, withOutput } from '../../output/print-messages.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { soleProvider } from '../choose-provider.ts';
import { defaults } from './default.ts';

interface Options {
  readonly provider?: string;
  readonly env?: string;
  readonly output?: OutputFormat;
}

export function addDefaultGet(standard: Command, cli: Cli): void {
  const command = standard
    .command('get')
    .description('Show the default of one level; no other level is looked at.')
    .option('--provider <name>', 'provider; not needed while only one has connections')
    .option('--env <slug>', 'environment; the organisation if left out');
  withOutput(command).action(async (options: Options) => {
    const session = await openOrganization(cli);
    const provider = await soleProvider(session, options.provider);
    const request = { org: session.org, provider, environment: options.env ?? '' };
    const response = await session.client(ConnectionService).getDefaultProviderConnection(request);
    if (!response.default) throw notFound(`no default for ${provider}`, 'planton connection default list');
    printOne(cli, options, defaults, response.default);
  });
}
