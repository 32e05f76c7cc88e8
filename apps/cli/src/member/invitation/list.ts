import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../../output/print-messages.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { invitations } from './invitation.ts';

const nothing = 'no open invitation; make one with: planton member invite --email EMAIL --role ROLE';

export function addInvitationList(invitation: Command, cli: Cli): void {
  withOutput(
    invitation
      .command('list')
      .description('List the open invitations of the organisation, without their links.'),
  ).action(async (options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const listed = await client(Identity).listInvitations({ org });
    printList(cli, options, invitations, listed.invitations, nothing);
  });
}
