import { type Kysely, sql } from 'kysely';
import type { Grant } from '../members/member-store.ts';
import type { IdentityTables } from '../schema.ts';

/** An invitation that was neither accepted nor revoked, with what decides whether its link works. */
export interface SeenInvitation {
  readonly uid: string;
  readonly organization: { readonly uid: string; readonly slug: string; readonly name: string };
  readonly email: string;
  readonly grant: Grant;
  /** Slugs of the environments that are left of those that it was limited to. */
  readonly environments: readonly string[];
  readonly inviter: { readonly uid: string; readonly name: string };
  /** What whoever invites may do in the organisation now; undefined where nothing, or disabled. */
  readonly inviterGrant: Grant | undefined;
  readonly createTime: Date;
  readonly expireTime: Date;
  readonly expired: boolean;
}

/** Makes an invitation known. The address must have no other one that is neither accepted nor revoked. */
export async function insertInvitation(
  tx: Kysely<IdentityTables>,
  invitation: {
    readonly uid: string;
    readonly organizationUid: string;
    readonly email: string;
    readonly hash: Buffer;
    readonly inviterUid: string;
    readonly lifetimeSeconds: number;
  },
  grant: Grant,
): Promise<void> {
  await tx
    .insertInto('invitation')
    .values({
      uid: invitation.uid,
      organization_uid: invitation.organizationUid,
      email: invitation.email,
      role: grant.role,
      limited: grant.environments !== 'all',
      hash: invitation.hash,
      inviter_uid: invitation.inviterUid,
      expire_time: sql<Date>`now() + make_interval(secs => ${invitation.lifetimeSeconds})`,
    })
    .execute();
  if (grant.environments === 'all') return;
  await tx
    .insertInto('invitation_environment')
    .values(grant.environments.map((uid) => ({ invitation_uid: invitation.uid, environment_uid: uid })))
    .execute();
}

/** The open invitations of an organisation, by address. */
export async function listOpenInvitations(
  db: Kysely<IdentityTables>,
  organizationUid: string,
): Promise<SeenInvitation[]> {
  const rows = await selectInvitations(db)
    .where('invitation.organization_uid', '=', organizationUid)
    .where('invitation.expire_time', '>', sql<Date>`clock_timestamp()`)
    .orderBy('invitation.email')
    .execute();
  return rows.map(readInvitation);
}

/** The open invitation of a link. */
export async function findOpenInvitation(
  db: Kysely<IdentityTables>,
  hash: Buffer,
): Promise<SeenInvitation | undefined> {
  const row = await selectInvitations(db)
    .where('invitation.hash', '=', hash)
    .where('invitation.expire_time', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst();
  return row && readInvitation(row);
}

/** The invitation of an address that was neither accepted nor revoked, expired or not. */
export async function findInvitationOf(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  email: string,
): Promise<SeenInvitation | undefined> {
  const row = await selectInvitations(db)
    .where('invitation.organization_uid', '=', organizationUid)
    .where('invitation.email', '=', email)
    .executeTakeFirst();
  return row && readInvitation(row);
}

/** What an invitation of the organisation came to, and what it gives. */
export async function findInvitation(
  db: Kysely<IdentityTables>,
  organizationUid: string,
  uid: string,
): Promise<
  { readonly email: string; readonly grant: Grant; readonly end?: 'accepted' | 'revoked' } | undefined
> {
  const row = await db
    .selectFrom('invitation')
    .select(['email', 'role', 'limited', 'accept_time', 'revoke_time'])
    .select((eb) =>
      sql<string[]>`array(${eb
        .selectFrom('invitation_environment')
        .select('environment_uid')
        .whereRef('invitation_environment.invitation_uid', '=', 'invitation.uid')})`.as('environments'),
    )
    .where('organization_uid', '=', organizationUid)
    .where('uid', '=', uid)
    .executeTakeFirst();
  if (!row) return undefined;
  const grant = { role: row.role, environments: row.limited ? row.environments : ('all' as const) };
  const end = row.accept_time ? 'accepted' : row.revoke_time ? 'revoked' : undefined;
  return { email: row.email, grant, ...(end && { end }) };
}

/** Uses an invitation up, or takes it back; false where it had ended before. */
export async function endInvitation(
  tx: Kysely<IdentityTables>,
  uid: string,
  end: 'accept_time' | 'revoke_time',
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('invitation')
    .set({ [end]: sql<Date>`now()` })
    .where('uid', '=', uid)
    .where('accept_time', 'is', null)
    .where('revoke_time', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function countOpenInvitations(
  db: Kysely<IdentityTables>,
  organizationUid: string,
): Promise<number> {
  const { count } = await db
    .selectFrom('invitation')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_uid', '=', organizationUid)
    .where('accept_time', 'is', null)
    .where('revoke_time', 'is', null)
    .where('expire_time', '>', sql<Date>`now()`)
    .executeTakeFirstOrThrow();
  return count;
}

export async function forgetInvitations(db: Kysely<IdentityTables>): Promise<void> {
  await db.deleteFrom('invitation').where('expire_time', '<', sql<Date>`now() - interval '1 day'`).execute();
}

function selectInvitations(db: Kysely<IdentityTables>) {
  return db
    .selectFrom('invitation')
    .innerJoin('organization', 'organization.uid', 'invitation.organization_uid')
    .innerJoin('subject as inviter', 'inviter.uid', 'invitation.inviter_uid')
    .leftJoin('member', (join) =>
      join
        .onRef('member.organization_uid', '=', 'invitation.organization_uid')
        .onRef('member.subject_uid', '=', 'inviter.uid')
        .on('inviter.delete_time', 'is', null)
        .on('inviter.disable_time', 'is', null),
    )
    .select([
      'invitation.uid',
      'invitation.email',
      'invitation.role',
      'invitation.limited',
      'invitation.create_time',
      'invitation.expire_time',
      'organization.uid as organization_uid',
      'organization.slug as organization_slug',
      'organization.name as organization_name',
      'inviter.uid as inviter_uid',
      'inviter.name as inviter_name',
      'member.role as inviter_role',
      'member.limited as inviter_limited',
      sql<boolean>`invitation.expire_time <= clock_timestamp()`.as('expired'),
    ])
    .select((eb) => [
      sql<readonly { readonly uid: string; readonly slug: string }[]>`coalesce((${eb
        .selectFrom('invitation_environment')
        .innerJoin('environment', 'environment.uid', 'invitation_environment.environment_uid')
        .select(
          sql`jsonb_agg(jsonb_build_object('uid', environment.uid, 'slug', environment.slug) order by environment.slug)`.as(
            'environments',
          ),
        )
        .whereRef('invitation_environment.invitation_uid', '=', 'invitation.uid')}), '[]')`.as(
        'environments',
      ),
      sql<string[]>`array(${eb
        .selectFrom('member_environment')
        .select('environment_uid')
        .whereRef('member_environment.organization_uid', '=', 'invitation.organization_uid')
        .whereRef('member_environment.subject_uid', '=', 'inviter.uid')})`.as('inviter_uids'),
    ])
    .where('invitation.accept_time', 'is', null)
    .where('invitation.revoke_time', 'is', null);
}

type InvitationRow = Awaited<ReturnType<ReturnType<typeof selectInvitations>['execute']>>[number];

function readInvitation(row: InvitationRow): SeenInvitation {
  const { inviter_role: role, inviter_uids: covered } = row;
  return {
    uid: row.uid,
    organization: { uid: row.organization_uid, slug: row.organization_slug, name: row.organization_name },
    email: row.email,
    grant: { role: row.role, environments: row.limited ? row.environments.map(({ uid }) => uid) : 'all' },
    environments: row.environments.map(({ slug }) => slug),
    inviter: { uid: row.inviter_uid, name: row.inviter_name },
    inviterGrant: role === null ? undefined : { role, environments: row.inviter_limited ? covered : 'all' },
    createTime: row.create_time,
    expireTime: row.expire_time,
    expired: row.expired,
  };
}
