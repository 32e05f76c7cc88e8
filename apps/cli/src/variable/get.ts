import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { notFound } from '../errors/cli-error.ts';
import { type OutputFormat, printOne, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { variables } from './variable.ts';

interface Options {
  readonly env?: string;
  readonly output?: OutputFormat;
}

export function addVariableGet(variable: Command, cli: Cli): void {
  const command = variable
    .command('get')
    .argument('<slug>', 'slug of the variable')
    .description('Show a variable.')
    .option('--env <slug>', 'environment that it belongs to; the organisation if left out');
  withOutput(command).action(async (slug: string, options: Options) => {
    const { org, client } = await openOrganization(cli);
    const response = await client(ConfigManager).getVariable({ org, environment: options.env ?? '', slug });
    if (!response.variable) throw notFound(`variable ${slug} does not exist`, 'planton variable list');
    printOne(cli, options, variables, response.variable);
  });
}
