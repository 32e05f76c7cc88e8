import { type Kysely, type Selectable, sql } from 'kysely';
import type { EnvironmentTable, IdentityTables } from '../schema.ts';

export type Environment = Selectable<EnvironmentTable>;

/** Fails with a unique violation of `environment_slug` when the slug is taken in the organisation. */
export function insertEnvironment(
  tx: Kysely<IdentityTables>,
  environment: { readonly uid: string; readonly organization_uid: string; readonly slug: string },
): Promise<Environment> {
  return tx.insertInto('environment').values(environment).returningAll().executeTakeFirstOrThrow();
}

/** The environments of an organisation, by slug, with the organisation's slug. */
export function listEnvironmentsOf(
  db: Kysely<IdentityTables>,
  organizationUid: string,
): Promise<(Environment & { readonly org: string })[]> {
  return db
    .selectFrom('environment')
    .innerJoin('organization', 'organization.uid', 'environment.organization_uid')
    .selectAll('environment')
    .select('organization.slug as org')
    .where('environment.organization_uid', '=', organizationUid)
    .orderBy('environment.slug')
    .execute();
}

export function findEnvironment(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  slug: string,
): Promise<Environment | undefined> {
  return db
    .selectFrom('environment')
    .selectAll()
    .where('organization_uid', '=', organizationUid)
    .where('slug', '=', slug)
    .executeTakeFirst();
}

export async function countEnvironments(
  db: Kysely<IdentityTables>,
  organizationUid: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('environment')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_uid', '=', organizationUid)
    .executeTakeFirstOrThrow();
  return count;
}

/** Deletes the environment and takes it out of the roles that name it; such a role never widens by that. */
export async function deleteEnvironmentRow(tx: Kysely<IdentityTables>, uid: string): Promise<void> {
  await tx.deleteFrom('environment').where('uid', '=', uid).execute();
}
