import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  CreateInvitationRequest,
  CreateInvitationResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { duplicate, invalid, type OrganizationCaller, organizationCallerOf, quota } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { hashKey } from '../api-keys/mint-key.ts';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { authorizeGrant, readActor } from '../members/authorize-grant.ts';
import { findMemberByEmail, type Grant } from '../members/member-store.ts';
import { resolveGrant } from '../members/resolve-grant.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';
import { mintLinkToken } from '../sign-in/open-link.ts';
import { readEmail } from '../sign-in/read-person.ts';
import { invitationMessage } from './invitation-message.ts';
import {
  countOpenInvitations,
  endInvitation,
  findInvitationOf,
  insertInvitation,
} from './invitation-store.ts';
import { INVITATION_PATH } from './render-invitation.ts';

const OPEN_AT_MOST = 200;
const LIFETIME_S = 7 * 24 * 3600;

/**
 * Invites an address. The link leaves in this answer and nowhere else; whoever has it can accept, since nothing proves an address here.
 *
 * Throws `EMAIL_INVALID`, `MEMBER_EXISTS`, `INVITATION_LIMIT`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`, `ENVIRONMENT_NOT_FOUND`,
 * `OWNER_LIMITED`.
 */
export function createInvitation({ database, newUid, publicUrl, randomBytes }: Deps) {
  return async (
    request: CreateInvitationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreateInvitationResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    const { role, environments, lifetime } = request;
    const email = readAddress(request.email);
    const token = mintLinkToken(randomBytes);
    const uid = newUid();
    const { replaced, invitation } = await database.transact(async (tx) => {
      await lockOrganization(tx, organization.uid);
      const actor = await readActor(tx, caller, Permission.MEMBER_MANAGE);
      const grant = await resolveGrant(tx, actor, organization, role, environments);
      authorizeGrant(actor, grant, `giving the role ${grant.role}`);
      await refuseMember(tx, caller, email, grant);
      const replaced = await replaceInvitation(tx, caller, actor, email);
      if ((await countOpenInvitations(tx, organization.uid)) >= OPEN_AT_MOST) throw tooMany();
      const lifetimeSeconds = lifetime ? Number(lifetime.seconds) : LIFETIME_S;
      const made = { uid, organizationUid: organization.uid, email, hash: hashKey(token), lifetimeSeconds };
      await insertInvitation(tx, { ...made, inviterUid: caller.subject.uid }, grant);
      await recordAudit(tx, organization.uid, caller, {
        action: 'invitation.create',
        resource: { kind: 'invitation', uid, slug: email },
        details: { role: grant.role, environments: environments.join(',') },
      });
      return { replaced, invitation: await findInvitationOf(tx, organization.uid, email) };
    });
    return {
      link: `${publicUrl}${INVITATION_PATH}?token=${token}`,
      replaced,
      ...(invitation && { invitation: invitationMessage(invitation) }),
    };
  };
}

function readAddress(text: string): string {
  const email = readEmail(text);
  if (email !== undefined) return email;
  throw invalid('EMAIL_INVALID', 'email: nobody has that e-mail address', {
    violations: [{ field: 'email', message: 'must be an e-mail address' }],
  });
}

async function refuseMember(
  tx: Kysely<IdentityTables>,
  { membership: { organization } }: OrganizationCaller,
  email: string,
  { role }: Grant,
): Promise<void> {
  const member = await findMemberByEmail(tx, organization.uid, email);
  if (!member) return;
  throw duplicate('MEMBER_EXISTS', `${email} is a member of organisation "${organization.slug}" already`, {
    hint: `planton member set ${member.subjectUid} --role ${role}`,
    metadata: { email, org: organization.slug },
  });
}

/** Takes an earlier invitation of the address back, where the caller may give what it gives; answers whether one was open. */
async function replaceInvitation(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  actor: Grant,
  email: string,
): Promise<boolean> {
  const { organization } = caller.membership;
  const earlier = await findInvitationOf(tx, organization.uid, email);
  if (!earlier) return false;
  const { uid, grant, expired } = earlier;
  if (!expired) authorizeGrant(actor, grant, `replacing an invitation with the role ${grant.role}`);
  await endInvitation(tx, uid, 'revoke_time');
  if (expired) return false;
  await recordAudit(tx, organization.uid, caller, {
    action: 'invitation.revoke',
    resource: { kind: 'invitation', uid, slug: email },
    details: { why: 'replaced' },
  });
  return true;
}

function tooMany() {
  return quota('INVITATION_LIMIT', `an organisation has at most ${OPEN_AT_MOST} open invitations`, {
    hint: 'planton member invitation list, then planton member invitation revoke UID',
  });
}
