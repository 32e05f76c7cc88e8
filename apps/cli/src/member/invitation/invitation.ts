import type { Client } from '@connectrpc/connect';
import type { Identity } from '@planton/api/identity/v1/identity_service';
import { type Invitation, InvitationSchema, InvitationState } from '@planton/api/identity/v1/invitation';
import { notFound } from '../../errors/cli-error.ts';
import { formatRole } from '../../output/format-role.ts';
import { formatTime } from '../../output/format-time.ts';
import type { Printable } from '../../output/print-messages.ts';
import { formatCover } from '../member.ts';

const states: Readonly<Record<InvitationState, string>> = {
  [InvitationState.UNSPECIFIED]: '',
  [InvitationState.GOOD]: 'good',
  [InvitationState.INVITER_MAY_NOT]: 'void: who invited may not give it any more',
  [InvitationState.COVERS_NOTHING]: 'void: its environments are deleted',
};

/** How invitations are printed. */
export const invitations: Printable<Invitation> = {
  schema: InvitationSchema,
  columns: [
    ['EMAIL', ({ email }) => email],
    ['ROLE', ({ role }) => formatRole(role)],
    ['ENVIRONMENTS', ({ limited, environments }) => formatCover(limited, environments)],
    ['BY', ({ inviterName }) => inviterName],
    ['EXPIRES', ({ expireTime }) => formatTime(expireTime)],
    ['LINK', ({ state }) => states[state] ?? ''],
    ['UID', ({ uid }) => uid],
  ],
};

/**
 * The uid of the open invitation that an address stands for; a uid stands for itself.
 *
 * @throws CliError when the address has none
 */
export async function invitationUidOf(
  identity: Client<typeof Identity>,
  org: string,
  emailOrUid: string,
): Promise<string> {
  if (!emailOrUid.includes('@')) return emailOrUid;
  const { invitations: open } = await identity.listInvitations({ org });
  const found = open.find(({ email }) => email === emailOrUid.toLowerCase());
  if (found) return found.uid;
  throw notFound(`${org} has no open invitation of ${emailOrUid}`, 'planton member invitation list');
}
