import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RemoveMemberRequest,
  RemoveMemberResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { type OrganizationCaller, organizationCallerOf, state } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { endInvitation, findInvitationOf } from '../invitations/invitation-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import type { IdentityTables } from '../schema.ts';
import { findEmail } from '../sign-in/person-store.ts';
import { keepAnOwner, openMember } from './change-member.ts';
import { deleteMember } from './member-store.ts';

/**
 * Takes a user out of the organisation. A service account has no life outside of it, so it is deleted instead.
 *
 * Throws `MEMBER_NOT_FOUND`, `LAST_OWNER`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`, `MEMBER_IS_SERVICE_ACCOUNT`.
 */
export function removeMember({ database }: Deps) {
  return async (
    { subjectUid }: RemoveMemberRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RemoveMemberResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    await database.transact(async (tx) => {
      const { current, name, kind } = await openMember(tx, caller, subjectUid);
      if (kind !== 'user') {
        throw state(
          'MEMBER_IS_SERVICE_ACCOUNT',
          `"${name}" is a service account, which has no life outside of its organisation`,
          { hint: `planton service-account delete ${name}`, metadata: { slug: name } },
        );
      }
      if (current.role === 'owner') await keepAnOwner(tx, caller.membership, subjectUid);
      await deleteMember(tx, organization.uid, subjectUid);
      await closeDoor(tx, caller, subjectUid);
      await revoke(tx, [subjectUid]);
      await recordAudit(tx, organization.uid, caller, {
        action: 'member.remove',
        resource: { kind, uid: subjectUid, slug: name },
        details: { before: current.role },
      });
    });
    return {};
  };
}

/** Takes back an invitation that whoever was removed could come in with again. */
async function closeDoor(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  subjectUid: string,
): Promise<void> {
  const { organization } = caller.membership;
  const email = await findEmail(tx, subjectUid);
  const open = email === undefined ? undefined : await findInvitationOf(tx, organization.uid, email);
  if (!open || !(await endInvitation(tx, open.uid, 'revoke_time'))) return;
  await recordAudit(tx, organization.uid, caller, {
    action: 'invitation.revoke',
    resource: { kind: 'invitation', uid: open.uid, slug: open.email },
    details: { why: 'member_removed' },
  });
}
