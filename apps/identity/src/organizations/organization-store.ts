import { takeTurn } from '@planton/database';
import type { RoleName } from '@planton/rpc';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { IdentityTables, OrganizationTable } from '../schema.ts';

/** An organisation with a member's role in it. */
export type SeenOrganization = Selectable<OrganizationTable> & { readonly role: RoleName };

/** Fails with a unique violation of `organization_slug` when the slug is taken. */
export function insertOrganization(
  tx: Kysely<IdentityTables>,
  organization: { readonly uid: string; readonly slug: string; readonly name: string },
): Promise<Selectable<OrganizationTable>> {
  return tx.insertInto('organization').values(organization).returningAll().executeTakeFirstOrThrow();
}

/** How many organisations there are, with this transaction's, while nobody else makes one. */
export async function countOrganizationsInTurn(tx: Kysely<IdentityTables>): Promise<number> {
  await takeTurn(tx, 'identity organizations');
  const { count } = await tx
    .selectFrom('organization')
    .select(sql<number>`count(*)`.as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Puts the changes of an organisation's members, service accounts and environments in line. */
export async function lockOrganization(tx: Kysely<IdentityTables>, uid: string): Promise<void> {
  await tx
    .selectFrom('organization')
    .select('uid')
    .where('uid', '=', uid)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
}

/** The organisations that the subject is a member of, by slug. */
export function listOrganizationsOf(
  db: Kysely<IdentityTables>,
  subjectUid: string,
): Promise<SeenOrganization[]> {
  return db
    .selectFrom('organization')
    .innerJoin('member', 'member.organization_uid', 'organization.uid')
    .where('member.subject_uid', '=', subjectUid)
    .selectAll('organization')
    .select('member.role')
    .orderBy('organization.slug')
    .execute();
}
