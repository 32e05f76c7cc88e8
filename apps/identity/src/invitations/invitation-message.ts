import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type InvitationSchema, InvitationState } from '@planton/api/identity/v1/invitation';
import { roleOf } from '../members/role.ts';
import { decideStanding, type Standing } from './decide-standing.ts';
import type { SeenInvitation } from './invitation-store.ts';

const states: Readonly<Record<Standing, InvitationState>> = {
  good: InvitationState.GOOD,
  inviter_may_not: InvitationState.INVITER_MAY_NOT,
  covers_nothing: InvitationState.COVERS_NOTHING,
};

export function invitationMessage(invitation: SeenInvitation): MessageInitShape<typeof InvitationSchema> {
  const { uid, email, grant, environments, inviter } = invitation;
  return {
    uid,
    email,
    role: roleOf(grant.role),
    environments: [...environments],
    limited: grant.environments !== 'all',
    inviterUid: inviter.uid,
    inviterName: inviter.name,
    createTime: timestampFromDate(invitation.createTime),
    expireTime: timestampFromDate(invitation.expireTime),
    state: states[decideStanding(grant, invitation.inviterGrant)],
  };
}
