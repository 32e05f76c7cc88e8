import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { serviceAccounts } from './service-account.ts';

const nothing = 'no service account yet; create one with: planton service-account create SLUG --role ROLE';

export function addServiceAccountList(serviceAccount: Command, cli: Cli): void {
  withOutput(
    serviceAccount.command('list').description('List the service accounts of the organisation.'),
  ).action(async (options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const listed = await client(Identity).listServiceAccounts({ org });
    printList(cli, options, serviceAccounts, listed.serviceAccounts, nothing);
  });
}
