import type { RoleName, Subject } from '@planton/rpc';
import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** What a member may do where. */
export interface Grant {
  readonly role: RoleName;
  /** Uids of the environments that the role covers; `all` includes the organisation level. */
  readonly environments: readonly string[] | 'all';
}

/** A member as people see it: environments by slug. */
export interface SeenMember {
  readonly subject_uid: string;
  readonly kind: Subject['kind'];
  readonly name: string;
  readonly role: RoleName;
  readonly limited: boolean;
  readonly environments: string[];
  readonly create_time: Date;
}

export async function insertMember(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
  grant: Grant,
): Promise<void> {
  await tx
    .insertInto('member')
    .values({
      organization_uid: organizationUid,
      subject_uid: subjectUid,
      role: grant.role,
      limited: grant.environments !== 'all',
    })
    .execute();
  await insertEnvironments(tx, organizationUid, subjectUid, grant);
}

export async function updateMember(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
  grant: Grant,
): Promise<void> {
  await tx
    .updateTable('member')
    .set({ role: grant.role, limited: grant.environments !== 'all' })
    .where('organization_uid', '=', organizationUid)
    .where('subject_uid', '=', subjectUid)
    .execute();
  await tx
    .deleteFrom('member_environment')
    .where('organization_uid', '=', organizationUid)
    .where('subject_uid', '=', subjectUid)
    .execute();
  await insertEnvironments(tx, organizationUid, subjectUid, grant);
}

async function insertEnvironments(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
  { environments }: Grant,
): Promise<void> {
  if (environments === 'all' || environments.length === 0) return;
  await tx
    .insertInto('member_environment')
    .values(
      environments.map((uid) => ({
        organization_uid: organizationUid,
        subject_uid: subjectUid,
        environment_uid: uid,
      })),
    )
    .execute();
}

export async function deleteMember(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
): Promise<void> {
  await tx
    .deleteFrom('member')
    .where('organization_uid', '=', organizationUid)
    .where('subject_uid', '=', subjectUid)
    .execute();
}

/**
 * What the member may do, or nothing where the subject is no member.
 *
 * @param whileEnabled whether somebody who is disabled may do nothing
 */
export async function findGrant(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
  whileEnabled = false,
): Promise<Grant | undefined> {
  let query = db
    .selectFrom('member')
    .select(['role', 'limited'])
    .select((eb) =>
      sql<string[]>`array(${eb
        .selectFrom('member_environment')
        .whereRef('member_environment.organization_uid', '=', 'member.organization_uid')
        .whereRef('member_environment.subject_uid', '=', 'member.subject_uid')
        .select('environment_uid')
        .orderBy('environment_uid')})`.as('environments'),
    )
    .where('organization_uid', '=', organizationUid)
    .where('subject_uid', '=', subjectUid);
  if (whileEnabled) {
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('subject')
          .select('subject.uid')
          .whereRef('subject.uid', '=', 'member.subject_uid')
          .where('subject.disable_time', 'is', null),
      ),
    );
  }
  const row = await query.executeTakeFirst();
  return row && { role: row.role, environments: row.limited ? row.environments : 'all' };
}

/** The member who signs in with an address. */
export async function findMemberByEmail(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  email: string,
): Promise<{ readonly subjectUid: string } | undefined> {
  const row = await db
    .selectFrom('member')
    .innerJoin('person', 'person.id', 'member.subject_uid')
    .select('member.subject_uid')
    .where('member.organization_uid', '=', organizationUid)
    .where('person.email', '=', email)
    .executeTakeFirst();
  return row && { subjectUid: row.subject_uid };
}

/** Members by name, all of them or the one asked for. */
export function listMembersOf(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  only: { readonly kind?: Subject['kind']; readonly subjectUid?: string } = {},
): Promise<SeenMember[]> {
  let query = db
    .selectFrom('member')
    .innerJoin('subject', 'subject.uid', 'member.subject_uid')
    .select([
      'member.subject_uid',
      'member.role',
      'member.limited',
      'member.create_time',
      'subject.kind',
      'subject.name',
    ])
    .select((eb) =>
      sql<string[]>`array(${eb
        .selectFrom('member_environment')
        .innerJoin('environment', 'environment.uid', 'member_environment.environment_uid')
        .whereRef('member_environment.organization_uid', '=', 'member.organization_uid')
        .whereRef('member_environment.subject_uid', '=', 'member.subject_uid')
        .select('environment.slug')
        .orderBy('environment.slug')})`.as('environments'),
    )
    .where('member.organization_uid', '=', organizationUid);
  if (only.kind) query = query.where('subject.kind', '=', only.kind);
  if (only.subjectUid !== undefined) query = query.where('member.subject_uid', '=', only.subjectUid);
  return query.orderBy('subject.name').orderBy('member.subject_uid').execute();
}

/** How many users are members; service accounts are counted by themselves. */
export async function countUsers(db: Kysely<IdentityTables>, organizationUid: string): Promise<number> {
  const { count } = await db
    .selectFrom('member')
    .innerJoin('subject', 'subject.uid', 'member.subject_uid')
    .select(sql<number>`count(*)`.as('count'))
    .where('member.organization_uid', '=', organizationUid)
    .where('subject.kind', '=', 'user')
    .executeTakeFirstOrThrow();
  return count;
}

/** How many users who may sign in own the organisation beside this one; service accounts do not keep it alive. */
export async function countOtherOwners(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  subjectUid: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('member')
    .innerJoin('subject', 'subject.uid', 'member.subject_uid')
    .select(sql<number>`count(*)`.as('count'))
    .where('member.organization_uid', '=', organizationUid)
    .where('member.role', '=', 'owner')
    .where('member.subject_uid', '<>', subjectUid)
    .where('subject.kind', '=', 'user')
    .where('subject.disable_time', 'is', null)
    .executeTakeFirstOrThrow();
  return count;
}

/** Slugs of the organisations that a user owns without anybody else who may sign in. */
export async function listOwnedAlone(db: Kysely<IdentityTables>, subjectUid: string): Promise<string[]> {
  const rows = await db
    .selectFrom('member')
    .innerJoin('organization', 'organization.uid', 'member.organization_uid')
    .select('organization.slug')
    .where('member.subject_uid', '=', subjectUid)
    .where('member.role', '=', 'owner')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('member as other')
            .innerJoin('subject', 'subject.uid', 'other.subject_uid')
            .select('other.subject_uid')
            .whereRef('other.organization_uid', '=', 'member.organization_uid')
            .where('other.role', '=', 'owner')
            .where('other.subject_uid', '<>', subjectUid)
            .where('subject.kind', '=', 'user')
            .where('subject.disable_time', 'is', null),
        ),
      ),
    )
    .orderBy('organization.slug')
    .execute();
  return rows.map(({ slug }) => slug);
}
