import type { Command } from 'commander';
import { formatTable } from '../output/format-table.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { environmentOf, givenOrganization, serverOf } from '../settings/context.ts';
import { type Cli, print } from '../terminal/terminal.ts';

export function addContextGet(context: Command, cli: Cli): void {
  withOutput(context.command('get').description('Show what commands use where they are not told.')).action(
    async ({ output }: OutputOptions) => {
      const settings = {
        server: await serverOf(cli),
        org: (await givenOrganization(cli)) ?? '',
        env: await environmentOf(cli, undefined),
      };
      if (output === 'json' || output === 'yaml') printValue(cli, output, settings);
      else
        print(
          cli,
          formatTable(
            [
              ['SETTING', ([name]) => name],
              ['VALUE', ([, value]) => value],
            ],
            Object.entries(settings),
          ),
        );
    },
  );
}
