import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say, warn } from '../terminal/terminal.ts';
import { kindHelp, kindOf } from './kind-argument.ts';
import { operationsOf } from './operations.ts';

interface Options {
  readonly yes?: boolean;
  readonly ifMatch?: string;
}

export function addDelete(program: Command, cli: Cli): void {
  program
    .command('delete')
    .argument('<kind>', kindHelp)
    .argument('<name>', 'name or slug')
    .description('Delete an object for ever. Refused while something else refers to it.')
    .option('-y, --yes', 'do not ask')
    .option('--if-match <etag>', 'refuse the deletion unless the object still has this etag')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton delete aws my-aws-connection\n  $ planton delete DefaultProviderConnection production.aws',
    )
    .action(async (argument: string, name: string, { yes, ifMatch = '' }: Options) => {
      const kind = kindOf(argument);
      const session = await openOrganization(cli);
      await confirm(cli, `Delete ${kind.name} ${name} of ${session.org} for ever?`, yes);
      const warnings = await operationsOf(kind).delete(session, session.org, name, ifMatch);
      say(cli, `${kind.name} ${name} deleted`);
      for (const warning of warnings) warn(cli, warning);
    });
}
