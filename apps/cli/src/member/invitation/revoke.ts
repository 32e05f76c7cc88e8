import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openOrganization } from '../../session/open-session.ts';
import { confirm } from '../../terminal/confirm.ts';
import { type Cli, say } from '../../terminal/terminal.ts';
import { invitationUidOf } from './invitation.ts';

export function addInvitationRevoke(invitation: Command, cli: Cli): void {
  invitation
    .command('revoke')
    .argument('<email>', 'e-mail address or uid of the invitation')
    .description('Take an invitation back: its link works no more.')
    .option('-y, --yes', 'do not ask')
    .action(async (email: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      const uid = await invitationUidOf(client(Identity), org, email);
      await confirm(cli, `Revoke the invitation ${email} to ${org}?`, yes);
      await client(Identity).revokeInvitation({ org, uid });
      say(cli, `invitation ${email} revoked; its link works no more`);
    });
}
