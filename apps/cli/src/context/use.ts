import type { Command } from 'commander';
import { notFound } from '../errors/cli-error.ts';
import { readContexts, takeContext } from '../settings/context.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addContextUse(context: Command, cli: Cli): void {
  context
    .command('use')
    .argument('<name>', 'name of the context')
    .description('Work in another context from now on: its server, account, organisation and environment.')
    .action(async (name: string) => {
      const { named } = await readContexts(cli);
      const found = named.get(name);
      if (!found) {
        const names = [...named.keys()].join(', ');
        throw notFound(
          `there is no context "${name}"${names === '' ? '' : `; there are ${names}`}`,
          `planton context set ${/^[a-z0-9-]+$/.test(name) ? name : 'NAME'} --server URL`,
        );
      }
      await takeContext(cli, name, found);
      const settings = Object.entries(found).map(([key, value]) => `${key} ${value}`);
      say(cli, `context ${name}${settings.length > 0 ? `: ${settings.join(', ')}` : ''}`);
    });
}
