import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { type Context, changeContext, serverOf } from '../settings/context.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addContextSet(context: Command, cli: Cli): void {
  context
    .command('set')
    .description('Choose what commands use where they are not told. An empty value forgets the setting.')
    .option('--env <slug>', 'environment for resolve, credentials and exec')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton context set --org your-org --env staging\n  $ planton context set --env ""',
    )
    .action(async ({ env }: { env?: string }) => {
      const { org, server } = cli.options();
      if (org === undefined && env === undefined && server === undefined)
        throw usage('nothing to set', 'give --org, --env or --server');
      const change: Context = {
        ...(org === undefined ? {} : { org: slugOf('--org', org) }),
        ...(env === undefined ? {} : { env: slugOf('--env', env) }),
        ...(server === undefined ? {} : { server: server === '' ? '' : await serverOf(cli) }),
      };
      const changed = await changeContext(cli, change);
      const settings = Object.entries(changed).map(([key, value]) => `${key} ${value}`);
      say(cli, settings.length > 0 ? `context: ${settings.join(', ')}` : 'the context is empty');
    });
}

function slugOf(flag: string, text: string): string {
  if (text !== '' && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(text))
    throw usage(`${flag} takes a slug`, 'a slug is lowercase letters and digits joined by single hyphens');
  return text;
}
