import { Identity } from '@planton/api/identity/v1/identity_service';
import { type Command, Option } from 'commander';
import { roleNames, roleOf } from '../output/format-role.ts';
import { type OutputOptions, printOne, withOutput } from '../output/print-messages.ts';
import { splitList } from '../program/split-list.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { findMember, members } from './member.ts';

interface Options extends OutputOptions {
  readonly role: string;
  readonly environments?: readonly string[];
}

export function addMemberSet(member: Command, cli: Cli): void {
  const command = member
    .command('set')
    .argument('<name>', 'name or uid of the member')
    .description('Give a member another role. Tokens with the old one end within a second.')
    .addOption(new Option('--role <role>', 'the role').choices(roleNames).makeOptionMandatory())
    .option(
      '--environments <slugs>',
      'environments that the role covers, separated by commas; everything if left out',
      splitList,
    );
  withOutput(command).action(async (name: string, { role, environments = [], ...options }: Options) => {
    const { org, client } = await openOrganization(cli);
    const { subjectUid } = await findMember(client(Identity), org, name);
    const answer = await client(Identity).setMember({
      org,
      subjectUid,
      role: roleOf(role),
      environments: [...environments],
    });
    if (answer.member) printOne(cli, options, members, answer.member);
  });
}
