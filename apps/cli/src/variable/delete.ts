import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';

interface Options {
  readonly env?: string;
  readonly yes?: boolean;
  readonly ifMatch?: string;
}

export function addVariableDelete(variable: Command, cli: Cli): void {
  variable
    .command('delete')
    .argument('<slug>', 'slug of the variable')
    .description('Delete a variable for ever. Refused while something refers to it.')
    .option('--env <slug>', 'environment that it belongs to; the organisation if left out')
    .option('--if-match <etag>', 'refuse the deletion unless the variable still has this etag')
    .option('-y, --yes', 'do not ask')
    .action(async (slug: string, { env = '', yes, ifMatch = '' }: Options) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Delete the variable ${slug} for ever?`, yes);
      await client(ConfigManager).deleteVariable({ org, environment: env, slug, etag: ifMatch });
      say(cli, `variable ${slug} deleted`);
    });
}
