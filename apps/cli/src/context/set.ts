import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import {
  type Context,
  changeContext,
  readContext,
  readContexts,
  serverOf,
  takeContext,
} from '../settings/context.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addContextSet(context: Command, cli: Cli): void {
  context
    .command('set')
    .description('Choose what commands use where they are not told. An empty value forgets the setting.')
    .argument('[name]', 'name of a context to make or change, which is in use from then on')
    .option('--account <email>', 'who works there, of several who signed in with a browser')
    .option('--env <slug>', 'environment for resolve, credentials and exec')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton context set --org your-org --env staging\n  $ planton context set --env ""\n  $ planton context set work --server https://planton.example.com --org your-org',
    )
    .action(async (name: string | undefined, { account, env }: { account?: string; env?: string }) => {
      const { org, server } = cli.options();
      if ([org, env, server, account, name].every((each) => each === undefined))
        throw usage('nothing to set', 'give --org, --env, --account or --server');
      const change: Context = {
        ...(org === undefined ? {} : { org: slugOf('--org', org) }),
        ...(env === undefined ? {} : { env: slugOf('--env', env) }),
        ...(account === undefined ? {} : { account }),
        ...(server === undefined ? {} : { server: server === '' ? '' : await serverOf(cli) }),
      };
      if (name !== undefined)
        await takeContext(cli, slugOf('the name', name), await contextToChange(cli, name));
      const changed = await changeContext(cli, change);
      const settings = Object.entries(changed).map(([key, value]) => `${key} ${value}`);
      say(cli, settings.length > 0 ? `context: ${settings.join(', ')}` : 'the context is empty');
    });
}

/** A context of this name, else a new one that begins as the one in use. */
async function contextToChange(cli: Cli, name: string): Promise<Context> {
  const { named } = await readContexts(cli);
  return named.get(name) ?? (await readContext(cli));
}

function slugOf(flag: string, text: string): string {
  if (text !== '' && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(text))
    throw usage(`${flag} takes a slug`, 'a slug is lowercase letters and digits joined by single hyphens');
  return text;
}
