import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openSession } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { accounts } from './account.ts';

export function addAccountList(account: Command, cli: Cli): void {
  withOutput(account.command('list').description('List the people of this server, by name.')).action(
    async (options: OutputOptions) => {
      const { client } = await openSession(cli);
      const all = await listAll(
        (page) => client(Identity).listAccounts(page),
        (page) => page.accounts,
      );
      printList(cli, options, accounts, all, 'nobody has an account');
    },
  );
}
