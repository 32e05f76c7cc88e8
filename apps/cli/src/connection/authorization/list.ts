import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../../output/print-messages.ts';
import { listAll } from '../../session/list-all.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { authorizations } from './authorization.ts';

const nothing = 'no authorisation yet: every connection may be used everywhere';

export function addAuthorizationList(authorization: Command, cli: Cli): void {
  withOutput(authorization.command('list').description('List the authorisations.')).action(
    async (options: OutputOptions) => {
      const { org, client } = await openOrganization(cli);
      const items = await listAll(
        (page) => client(ConnectionService).listProviderConnectionAuthorizations({ org, ...page }),
        (page) => page.authorizations,
      );
      printList(cli, options, authorizations, items, nothing);
    },
  );
}
