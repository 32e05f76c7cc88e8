import type { Role } from '@planton/api/identity/v1/organization';
import { invalid, type Membership } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { environmentMissing } from '../environments/environment-message.ts';
import { listEnvironmentsOf } from '../environments/environment-store.ts';
import type { IdentityTables } from '../schema.ts';
import type { Grant } from './member-store.ts';
import { roleNameOf } from './role.ts';

/**
 * Turns a role and slugs of environments, as requests name them, into a grant. No slugs at all stand for everything.
 * An environment that the actor's own role does not cover reads like one that does not exist.
 *
 * @param actor what whoever gives the role may do
 *
 * Throws `ROLE_UNKNOWN`, `OWNER_LIMITED`, `ENVIRONMENT_NOT_FOUND`.
 */
export async function resolveGrant(
  tx: Kysely<IdentityTables>,
  actor: Grant,
  organization: Membership['organization'],
  requestedRole: Role,
  slugs: readonly string[],
): Promise<Grant> {
  const role = roleNameOf(requestedRole);
  if (role === undefined) throw invalid('ROLE_UNKNOWN', `there is no role number ${requestedRole}`);
  if (slugs.length === 0) return { role, environments: 'all' };
  if (role === 'owner') {
    throw invalid('OWNER_LIMITED', 'an owner cannot be limited to environments; admin can', {
      violations: [{ field: 'environments', message: 'must be empty for the role owner' }],
    });
  }
  const { environments: covered } = actor;
  const visible = (await listEnvironmentsOf(tx, organization.uid)).filter(
    ({ uid }) => covered === 'all' || covered.includes(uid),
  );
  const known = new Map(visible.map(({ slug, uid }) => [slug, uid]));
  const environments = slugs.map((slug) => {
    const uid = known.get(slug);
    if (uid === undefined) throw environmentMissing(slug, organization.slug);
    return uid;
  });
  return { role, environments };
}
