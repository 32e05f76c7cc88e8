import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addEnvDelete(env: Command, cli: Cli): void {
  env
    .command('delete')
    .argument('<slug>', 'slug of the environment')
    .description('Delete an environment for ever. One made again under its slug inherits nothing.')
    .option('-y, --yes', 'do not ask')
    .action(async (environment: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Delete the environment ${environment} of ${org} for ever?`, yes);
      await client(Identity).deleteEnvironment({ org, environment });
      say(cli, `environment ${environment} deleted`);
    });
}
