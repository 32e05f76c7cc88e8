import { quota } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { lockOrganization } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';
import { countUsers, type Grant, insertMember } from './member-store.ts';

/** Users of one organisation. */
const MEMBERS_AT_MOST = 5_000;

/**
 * Lets a user into an organisation, one at a time. Service accounts have a ceiling of their own.
 *
 * Throws `MEMBER_LIMIT`.
 */
export async function addMember(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
  grant: Grant,
): Promise<void> {
  await lockOrganization(tx, organizationUid);
  if ((await countUsers(tx, organizationUid)) >= MEMBERS_AT_MOST) {
    throw quota('MEMBER_LIMIT', `the organisation has ${MEMBERS_AT_MOST} members, which is the limit`, {
      hint: 'planton member remove UID',
      metadata: { limit: String(MEMBERS_AT_MOST) },
    });
  }
  await insertMember(tx, organizationUid, subjectUid, grant);
}
