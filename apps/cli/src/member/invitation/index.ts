import type { Command } from 'commander';
import type { Cli } from '../../terminal/terminal.ts';
import { addInvitationList } from './list.ts';
import { addInvitationRevoke } from './revoke.ts';

export function addInvitation(member: Command, cli: Cli): void {
  const invitation = member
    .command('invitation')
    .description('The open invitations; `planton member invite` makes one.');
  addInvitationList(invitation, cli);
  addInvitationRevoke(invitation, cli);
}
