import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printOne, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { environments } from './environment.ts';

export function addEnvCreate(env: Command, cli: Cli): void {
  const command = env
    .command('create')
    .argument('<slug>', 'lowercase letters and digits joined by single hyphens')
    .description('Create an environment.');
  withOutput(command).action(async (slug: string, options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const { environment } = await client(Identity).createEnvironment({ org, slug });
    if (environment) printOne(cli, options, environments, environment);
  });
}
