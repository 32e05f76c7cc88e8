import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { members } from './member.ts';

export function addMemberList(member: Command, cli: Cli): void {
  withOutput(
    member.command('list').description('List the people and service accounts of the organisation.'),
  ).action(async (options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const listed = await client(Identity).listMembers({ org });
    printList(cli, options, members, listed.members, `${org} has no member`);
  });
}
