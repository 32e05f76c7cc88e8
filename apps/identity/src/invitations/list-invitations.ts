import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListInvitationsRequest,
  ListInvitationsResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { invitationMessage } from './invitation-message.ts';
import { listOpenInvitations } from './invitation-store.ts';

/** The open invitations, also those whose link does not work any more for another reason than its end. */
export function listInvitations({ database }: Pick<Deps, 'database'>) {
  return async (
    _request: ListInvitationsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListInvitationsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const open = await listOpenInvitations(database.query, organization.uid);
    return { invitations: open.map(invitationMessage) };
  };
}
