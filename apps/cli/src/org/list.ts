import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { openSession } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { organizations } from './organization.ts';

export function addOrgList(org: Command, cli: Cli): void {
  withOutput(org.command('list').description('List the organisations that you are a member of.')).action(
    async (options: OutputOptions) => {
      const session = await openSession(cli);
      const listed = await session.client(Identity).listOrganizations({});
      const nothing = 'no organisation yet; create one with: planton org create SLUG';
      printList(cli, options, organizations, listed.organizations, nothing);
    },
  );
}
