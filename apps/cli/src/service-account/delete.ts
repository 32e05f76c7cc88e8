import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addServiceAccountDelete(serviceAccount: Command, cli: Cli): void {
  serviceAccount
    .command('delete')
    .argument('<slug>', 'slug of the service account')
    .description('Delete a service account and end its keys, everywhere within a second.')
    .option('-y, --yes', 'do not ask')
    .action(async (slug: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Delete the service account ${slug} of ${org} with all of its keys?`, yes);
      await client(Identity).deleteServiceAccount({ org, slug });
      say(cli, `service account ${slug} deleted, with its keys`);
    });
}
