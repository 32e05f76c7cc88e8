import { Permission } from '@planton/api/common/v1/access';
import { missing, type OrganizationCaller, type Subject, state } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { lockOrganization } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { authorizeGrant, readActor } from './authorize-grant.ts';
import { countOtherOwners, findGrant, type Grant } from './member-store.ts';

/** A member whose change has been allowed and whose tokens are held back until the transaction ends. */
export interface ChangedMember {
  readonly kind: Subject['kind'];
  readonly name: string;
  readonly actor: Grant;
  readonly current: Grant;
}

/**
 * Locks the organisation and the member, and checks that the caller may change this member at all.
 *
 * Throws `MEMBER_NOT_FOUND`, `PERMISSION_DENIED`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`.
 */
export async function openMember(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  subjectUid: string,
): Promise<ChangedMember> {
  const { organization } = caller.membership;
  await lockOrganization(tx, organization.uid);
  const actor = await readActor(tx, caller, Permission.MEMBER_MANAGE);
  const current = await findGrant(tx, organization.uid, subjectUid);
  const subject = current && (await lockSubject(tx, subjectUid));
  if (!current || !subject) {
    throw missing('MEMBER_NOT_FOUND', `organisation "${organization.slug}" has no member with this uid`, {
      hint: 'planton member list',
      metadata: { org: organization.slug },
    });
  }
  authorizeGrant(actor, current, `changing a member with the role ${current.role}`);
  return { kind: subject.kind, name: subject.name, actor, current };
}

/** Throws `LAST_OWNER` when nobody else who may sign in owns the organisation. */
export async function keepAnOwner(
  tx: Kysely<IdentityTables>,
  { organization }: OrganizationCaller['membership'],
  subjectUid: string,
): Promise<void> {
  if ((await countOtherOwners(tx, organization.uid, subjectUid)) > 0) return;
  throw state(
    'LAST_OWNER',
    `organisation "${organization.slug}" has one owner only, who stays until someone else is made owner`,
    { metadata: { org: organization.slug } },
  );
}
