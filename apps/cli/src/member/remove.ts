import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { findMember } from './member.ts';

export function addMemberRemove(member: Command, cli: Cli): void {
  member
    .command('remove')
    .argument('<name>', 'name or uid of the member')
    .description('Take somebody out of the organisation, everywhere within a second.')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      const { subjectUid } = await findMember(client(Identity), org, name);
      await confirm(cli, `Remove ${name} from ${org}?`, yes);
      await client(Identity).removeMember({ org, subjectUid });
      say(cli, `${name} is no member of ${org} any more`);
    });
}
