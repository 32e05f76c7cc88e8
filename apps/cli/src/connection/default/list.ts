import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../../output/print-messages.ts';
import { listAll } from '../../session/list-all.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { defaults } from './default.ts';

const nothing = 'no default yet; set one with: planton connection default set --connection NAME';

export function addDefaultList(standard: Command, cli: Cli): void {
  withOutput(standard.command('list').description('List the defaults of every level.')).action(
    async (options: OutputOptions) => {
      const { org, client } = await openOrganization(cli);
      const items = await listAll(
        (page) => client(ConnectionService).listDefaultProviderConnections({ org, ...page }),
        (page) => page.defaults,
      );
      printList(cli, options, defaults, items, nothing);
    },
  );
}
