import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Command } from 'commander';
import { type OutputOptions, printOne, withOutput } from '../../output/print-messages.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { policies } from './policy.ts';

export function addPolicyGet(policy: Command, cli: Cli): void {
  withOutput(
    policy.command('get').description('Show what the organisation demands of the use of its connections.'),
  ).action(async (options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const answer = await client(ConnectionService).getOrganizationPolicy({ org });
    if (answer.policy) printOne(cli, options, policies, answer.policy);
  });
}
