import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';

interface Options {
  readonly env?: string;
  readonly ifMatch?: string;
}

export function addVariableSet(variable: Command, cli: Cli): void {
  variable
    .command('set')
    .argument('<slug>', 'slug of the variable')
    .argument('<value>', 'its value; variables are not secret')
    .description('Create or change a variable. Connections that refer to it use the new value from then on.')
    .option('--env <slug>', 'environment that it belongs to; the organisation if left out')
    .option('--if-match <etag>', 'refuse the change unless the variable still has this etag')
    .addHelpText('after', '\nExamples:\n  $ planton variable set aws-region us-west-2')
    .action(async (slug: string, value: string, { env = '', ifMatch = '' }: Options) => {
      const { org, client } = await openOrganization(cli);
      const { changed } = await client(ConfigManager).setVariable({
        org,
        environment: env,
        slug,
        value,
        etag: ifMatch,
      });
      say(cli, `variable ${slug} ${changed ? 'set' : 'unchanged'}`);
    });
}
