import type { Command } from 'commander';
import { formatTable } from '../output/format-table.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { readContexts } from '../settings/context.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';

export function addContextList(context: Command, cli: Cli): void {
  withOutput(context.command('list').description('List the contexts that have a name.')).action(
    async ({ output }: OutputOptions) => {
      const { current, named } = await readContexts(cli);
      const contexts = [...named].map(([name, each]) => ({
        name,
        current: name === current,
        server: each.server ?? '',
        account: each.account ?? '',
        org: each.org ?? '',
        env: each.env ?? '',
      }));
      if (output === 'json' || output === 'yaml') return printValue(cli, output, contexts);
      if (contexts.length === 0)
        return say(cli, 'no context has a name; make one with: planton context set NAME');
      print(
        cli,
        formatTable(
          [
            ['CURRENT', (each) => (each.current ? '*' : '')],
            ['NAME', ({ name }) => name],
            ['SERVER', ({ server }) => server],
            ['ACCOUNT', ({ account }) => account],
            ['ORG', ({ org }) => org],
            ['ENV', ({ env }) => env],
          ],
          contexts,
        ),
      );
    },
  );
}
