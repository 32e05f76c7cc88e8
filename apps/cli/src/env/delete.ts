import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { findBindings } from './find-bindings.ts';

export function addEnvDelete(env: Command, cli: Cli): void {
  env
    .command('delete')
    .argument('<slug>', 'slug of the environment')
    .description(
      'Delete an environment for ever and say what goes with it. One made again under its slug inherits nothing.',
    )
    .option('-y, --yes', 'do not ask')
    .action(async (environment: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      const bindings = await findBindings(client, org, environment);
      if (bindings.length > 0) {
        say(cli, `bound to the environment ${environment}, and unbound with it:`);
        for (const binding of bindings) say(cli, `  ${binding}`);
      }
      await confirm(cli, `Delete the environment ${environment} of ${org} for ever?`, yes);
      await client(Identity).deleteEnvironment({ org, environment });
      say(cli, `environment ${environment} deleted`);
    });
}
