import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  RevokeInvitationRequest,
  RevokeInvitationResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { missing, organizationCallerOf, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { authorizeGrant, readActor } from '../members/authorize-grant.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import { endInvitation, findInvitation } from './invitation-store.ts';

/** Throws `INVITATION_NOT_FOUND`, `INVITATION_ACCEPTED`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`. */
export function revokeInvitation({ database }: Pick<Deps, 'database'>) {
  return async (
    { uid }: RevokeInvitationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RevokeInvitationResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    await database.transact(async (tx) => {
      await lockOrganization(tx, organization.uid);
      const actor = await readActor(tx, caller, Permission.MEMBER_MANAGE);
      const found = await findInvitation(tx, organization.uid, uid);
      if (!found) {
        throw missing(
          'INVITATION_NOT_FOUND',
          `organisation "${organization.slug}" has no invitation with this uid`,
          { hint: 'planton member invitation list', metadata: { org: organization.slug } },
        );
      }
      const { email, grant, end } = found;
      authorizeGrant(actor, grant, `revoking an invitation with the role ${grant.role}`);
      if (end === 'accepted') {
        throw state('INVITATION_ACCEPTED', `${email} has accepted this invitation and is a member`, {
          hint: 'planton member list, then planton member remove UID',
          metadata: { email },
        });
      }
      if (!(await endInvitation(tx, uid, 'revoke_time'))) return;
      await recordAudit(tx, organization.uid, caller, {
        action: 'invitation.revoke',
        resource: { kind: 'invitation', uid, slug: email },
      });
    });
    return {};
  };
}
