import { toManifestObject, writeManifest } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { type OutputFormat, printList, printOne, printValue } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print } from '../terminal/terminal.ts';
import { printableOf } from './columns.ts';
import { kindHelp, kindOf } from './kind-argument.ts';
import { operationsOf } from './operations.ts';

const examples = `
Examples:
  $ planton get AwsProviderConnection my-aws-connection
  $ planton get aws
  $ planton get DefaultProviderConnection production.aws -o json`;

export function addGet(program: Command, cli: Cli): void {
  program
    .command('get')
    .argument('<kind>', kindHelp)
    .argument('[name]', 'name or slug; all of the kind if left out')
    .description('Print the manifest of one object as YAML, or list the objects of a kind as a table.')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']))
    .addHelpText('after', examples)
    .action((kind: string, name: string | undefined, options: { output?: OutputFormat }) =>
      get(cli, kind, name, options),
    );
}

async function get(
  cli: Cli,
  argument: string,
  name: string | undefined,
  { output }: { output?: OutputFormat },
): Promise<void> {
  const kind = kindOf(argument);
  const session = await openOrganization(cli);
  if (name === undefined) {
    const messages = await operationsOf(kind).list(session, session.org);
    const nothing = `no ${kind.name} in ${session.org}`;
    printList(cli, { output: output ?? 'table' }, printableOf(kind), messages, nothing);
    return;
  }
  const message = await operationsOf(kind).get(session, session.org, name);
  if (output === 'json') printValue(cli, output, toManifestObject(kind.schema, message));
  else if (output === 'table') printOne(cli, { output }, printableOf(kind), message);
  else print(cli, writeManifest(message));
}
