import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { environments } from './environment.ts';

export function addEnvList(env: Command, cli: Cli): void {
  withOutput(env.command('list').description('List the environments that your role covers.')).action(
    async (options: OutputOptions) => {
      const { org, client } = await openOrganization(cli);
      const listed = await client(Identity).listEnvironments({ org });
      printList(cli, options, environments, listed.environments, `${org} has no environment`);
    },
  );
}
