import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { SetMemberRequest, SetMemberResponseSchema } from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { revoke } from '../revocations/revocation-store.ts';
import { authorizeGrant } from './authorize-grant.ts';
import { keepAnOwner, openMember } from './change-member.ts';
import { memberMessage } from './member-message.ts';
import { listMembersOf, updateMember } from './member-store.ts';
import { resolveGrant } from './resolve-grant.ts';

/**
 * Gives a member another role. Neither the member's role nor the new one may exceed the caller's.
 *
 * Throws `MEMBER_NOT_FOUND`, `LAST_OWNER`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`, `ENVIRONMENT_NOT_FOUND`,
 * `OWNER_LIMITED`.
 */
export function setMember({ database }: Deps) {
  return async (
    { subjectUid, role, environments }: SetMemberRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof SetMemberResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    const [member] = await database.transact(async (tx) => {
      const { actor, current, name, kind } = await openMember(tx, caller, subjectUid);
      const grant = await resolveGrant(tx, actor, organization, role, environments);
      authorizeGrant(actor, grant, `giving the role ${grant.role}`);
      if (kind === 'user' && current.role === 'owner' && grant.role !== 'owner') {
        await keepAnOwner(tx, caller.membership, subjectUid);
      }
      await updateMember(tx, organization.uid, subjectUid, grant);
      await revoke(tx, [subjectUid]);
      await recordAudit(tx, organization.uid, caller, {
        action: 'member.set',
        resource: { kind, uid: subjectUid, slug: name },
        details: { role: grant.role, before: current.role, environments: environments.join(',') },
      });
      return listMembersOf(tx, organization.uid, { subjectUid });
    });
    return member ? { member: memberMessage(member) } : {};
  };
}
