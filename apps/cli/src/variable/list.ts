import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { type OutputFormat, printList, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { variables } from './variable.ts';

interface Options {
  readonly env?: string;
  readonly output?: OutputFormat;
}

export function addVariableList(variable: Command, cli: Cli): void {
  const command = variable
    .command('list')
    .description('List the variables of the organisation, or of one environment.')
    .option('--env <slug>', 'environment; the organisation if left out');
  withOutput(command).action(async (options: Options) => {
    const { org, client } = await openOrganization(cli);
    const { env: environment = '' } = options;
    const items = await listAll(
      (page) => client(ConfigManager).listVariables({ org, environment, ...page }),
      (page) => page.variables,
    );
    printList(
      cli,
      options,
      variables,
      items,
      'no variable here; set one with: planton variable set SLUG VALUE',
    );
  });
}
