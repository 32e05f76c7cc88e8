import type { Permission } from '@planton/api/common/v1/access';
import { type DomainError, denied, type OrganizationCaller, roleHolds, roleIncludes } from '@planton/rpc';
import type { Kysely } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import { findGrant, type Grant } from './member-store.ts';

/**
 * What the caller may do at this moment, read under the organisation's lock: a token can be older than the last change, and
 * two members who take each other's rights must not both succeed.
 *
 * Throws `PERMISSION_DENIED` when the caller does not hold the permission any more.
 */
export async function readActor(
  tx: Kysely<IdentityTables>,
  { membership, subject }: OrganizationCaller,
  permission: Permission,
): Promise<Grant> {
  const { organization } = membership;
  const grant = await findGrant(tx, organization.uid, subject.uid, true);
  if (grant && roleHolds(grant.role, permission)) return grant;
  throw denied('PERMISSION_DENIED', `your role in ${organization.slug} has changed and does not allow this`, {
    hint: 'planton auth whoami',
  });
}

/**
 * Nobody gives, changes or takes more than he has: neither a higher role nor more environments.
 *
 * Throws `ROLE_NOT_INCLUDED` or `ENVIRONMENT_NOT_COVERED`.
 *
 * @param what such as `the role owner`
 */
export function authorizeGrant(actor: Grant, grant: Grant, what: string): void {
  if (!roleIncludes(actor.role, grant.role)) throw notIncluded(actor, what);
  if (!covers(actor, grant)) {
    throw denied(
      'ENVIRONMENT_NOT_COVERED',
      `your role is limited to environments and ${what} reaches beyond them`,
      { hint: 'planton env list shows what your role covers' },
    );
  }
}

/** Whether someone with the one grant may give the other: neither a higher role nor more environments. */
export function grantIncludes(granter: Grant, granted: Grant): boolean {
  return roleIncludes(granter.role, granted.role) && covers(granter, granted);
}

function covers({ environments: covered }: Grant, { environments }: Grant): boolean {
  if (covered === 'all') return true;
  return environments !== 'all' && environments.every((uid) => covered.includes(uid));
}

function notIncluded(actor: Grant, what: string): DomainError {
  return denied('ROLE_NOT_INCLUDED', `your role ${actor.role} does not include ${what}`, {
    hint: 'ask an owner of the organisation',
    metadata: { role: actor.role },
  });
}
