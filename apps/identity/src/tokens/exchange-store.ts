import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import type { TokenFacts } from './access-token.ts';

/** Seconds between two notes of a key's use: enough for people, and not a write for every exchange. */
const USE_NOTED_EVERY_S = 60;

/** What is exchanged: an API key, or the access credential of a session grant. */
export type CredentialKind = 'api_key' | 'session';

/**
 * Reads what a token for this credential may say, or nothing where that is unknown, revoked or expired, or its subject gone or
 * disabled.
 *
 * Two statements on purpose. The first takes the subject's lock, which whoever takes rights away holds until the commit; the
 * second has a snapshot from after that. So a token either knows of a revocation or was issued before it, by the clock of
 * the database, and is then refused everywhere.
 *
 * @param org slug of the organisation; one that the subject is no member of is left out
 */
export async function readTokenFacts(
  tx: Kysely<IdentityTables>,
  kind: CredentialKind,
  hash: Buffer,
  org: string,
): Promise<TokenFacts | undefined> {
  const locked = await tx
    .selectFrom('subject')
    .select('uid')
    .where('uid', '=', (eb) =>
      kind === 'api_key'
        ? eb.selectFrom('api_key').select('subject_uid').where('hash', '=', hash)
        : eb
            .selectFrom('session_access')
            .innerJoin('session_grant', 'session_grant.uid', 'session_access.grant_uid')
            .select('session_grant.subject_uid')
            .where('session_access.hash', '=', hash),
    )
    .forShare()
    .executeTakeFirst();
  if (!locked) return undefined;

  const row = await selectFacts(tx, kind, hash, org).executeTakeFirst();
  if (!row) return undefined;
  if (row.unnoted) {
    await tx
      .updateTable(kind === 'api_key' ? 'api_key' : 'session_grant')
      .set({ last_use_time: sql`now()` })
      .where('uid', '=', row.key_uid)
      .execute();
  }
  const { organization_uid: uid, organization_slug: slug, role, limited } = row;
  return {
    subject: {
      kind: row.kind,
      uid: row.uid,
      name: row.name,
      apiKeyUid: row.key_uid,
      instanceOwner: row.instance_owner,
    },
    ...(uid !== null &&
      slug !== null &&
      role !== null && {
        membership: {
          organization: { uid, slug },
          role,
          ...(limited && { environments: row.environments }),
        },
      }),
    issueTime: row.issue_time,
    ...(row.key_expire_time !== null && { keyExpireTime: row.key_expire_time }),
  };
}

/** The credential of this hash, in the one shape. */
function selectCredential(tx: Kysely<IdentityTables>, kind: CredentialKind, hash: Buffer) {
  return kind === 'api_key'
    ? tx
        .selectFrom('api_key')
        .select(['uid', 'subject_uid', 'expire_time', 'last_use_time', 'revoke_time'])
        .where('hash', '=', hash)
        .as('credential')
    : tx
        .selectFrom('session_access')
        .innerJoin('session_grant', 'session_grant.uid', 'session_access.grant_uid')
        .select(['session_grant.uid', 'subject_uid', 'last_use_time', 'revoke_time'])
        .select(
          sql<Date | null>`least(session_access.expire_time, session_grant.expire_time)`.as('expire_time'),
        )
        .where('session_access.hash', '=', hash)
        .as('credential');
}

function selectFacts(tx: Kysely<IdentityTables>, kind: CredentialKind, hash: Buffer, org: string) {
  return tx
    .selectFrom(selectCredential(tx, kind, hash))
    .innerJoin('subject', 'subject.uid', 'credential.subject_uid')
    .leftJoin('organization', (join) => join.on('organization.slug', '=', org))
    .leftJoin('member', (join) =>
      join
        .onRef('member.organization_uid', '=', 'organization.uid')
        .onRef('member.subject_uid', '=', 'subject.uid'),
    )
    .select([
      'subject.uid',
      'subject.kind',
      'subject.name',
      'subject.instance_owner',
      'credential.uid as key_uid',
      'organization.uid as organization_uid',
      'organization.slug as organization_slug',
      'member.role',
      'member.limited',
    ])
    .select((eb) => [
      sql<string[]>`array(${eb
        .selectFrom('member_environment')
        .select('environment_uid')
        .whereRef('member_environment.organization_uid', '=', 'member.organization_uid')
        .whereRef('member_environment.subject_uid', '=', 'member.subject_uid')
        .orderBy('environment_uid')})`.as('environments'),
      issueTime(eb.ref('subject.uid'), eb.ref('credential.uid'), tx).as('issue_time'),
      sql<number | null>`floor(extract(epoch from ${eb.ref('credential.expire_time')}) * 1000)::int8`.as(
        'key_expire_time',
      ),
      sql<boolean>`coalesce(credential.last_use_time < now() - make_interval(secs => ${USE_NOTED_EVERY_S}), true)`.as(
        'unnoted',
      ),
    ])
    .where('credential.revoke_time', 'is', null)
    .where((eb) =>
      eb.or([
        eb('credential.expire_time', 'is', null),
        eb('credential.expire_time', '>', sql<Date>`clock_timestamp()`),
      ]),
    )
    .where('subject.delete_time', 'is', null)
    .where('subject.disable_time', 'is', null);
}

/**
 * Milliseconds of now, but never before a revocation that this reading already knows of: a revocation ends with its
 * millisecond, and the next token may be issued within the same.
 */
function issueTime(subjectUid: unknown, keyUid: unknown, tx: Kysely<IdentityTables>) {
  const known = tx
    .selectFrom('revocation')
    .select((eb) => eb.fn.max('not_before').as('not_before'))
    .where(sql<boolean>`revocation.subject_uid in (${subjectUid}, ${keyUid})`);
  return sql<number>`floor(extract(epoch from greatest(clock_timestamp(), (${known}))) * 1000)::int8`;
}

/** What a token for a service of the platform may say. */
export async function readServiceFacts(
  db: Kysely<IdentityTables>,
  service: string,
): Promise<TokenFacts | undefined> {
  const row = await db
    .selectFrom('subject')
    .select(['uid', sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::int8`.as('issue_time')])
    .where('kind', '=', 'service')
    .where('name', '=', service)
    .executeTakeFirst();
  return (
    row && {
      subject: { kind: 'service', uid: row.uid, name: service, instanceOwner: false },
      issueTime: row.issue_time,
    }
  );
}
