import type { RoleName, Subject } from '@planton/rpc';
import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import type { KeyTraces } from './mint-key.ts';

/** A key as people see it, with its subject's role in the organisation that was asked about. */
export interface SeenApiKey {
  readonly uid: string;
  readonly name: string;
  readonly prefix: string;
  readonly last_characters: string;
  readonly subject_uid: string;
  readonly kind: Subject['kind'];
  readonly subject_name: string;
  readonly role: RoleName | null;
  readonly create_time: Date;
  readonly expire_time: Date | null;
  readonly last_use_time: Date | null;
  readonly revoke_time: Date | null;
}

/** Whose keys are looked at: a subject's own, and with `serviceAccounts` those of the organisation's service accounts. */
export interface KeyView {
  readonly organizationUid: string;
  readonly subjectUid: string;
  readonly serviceAccounts: boolean;
}

const LISTED_AT_MOST = 1000;

export async function insertApiKey(
  tx: Kysely<IdentityTables>,
  key: { readonly uid: string; readonly subjectUid: string; readonly name: string },
  traces: KeyTraces,
  lifetimeSeconds: number | undefined,
): Promise<void> {
  await tx
    .insertInto('api_key')
    .values({
      uid: key.uid,
      subject_uid: key.subjectUid,
      name: key.name,
      hash: traces.hash,
      prefix: traces.prefix,
      last_characters: traces.lastCharacters,
      expire_time:
        lifetimeSeconds === undefined ? null : sql<Date>`now() + make_interval(secs => ${lifetimeSeconds})`,
    })
    .execute();
}

/** The keys that are not revoked, newest first. */
export function listKeysOf(db: Kysely<IdentityTables>, view: KeyView): Promise<SeenApiKey[]> {
  return selectKeys(db, view)
    .where('api_key.revoke_time', 'is', null)
    .orderBy('api_key.create_time', 'desc')
    .orderBy('api_key.uid')
    .limit(LISTED_AT_MOST)
    .execute();
}

/** The keys of the view that have this uid or this name, revoked ones too. */
export function findKeys(
  db: Kysely<IdentityTables>,
  view: KeyView,
  uidOrName: string,
): Promise<SeenApiKey[]> {
  return selectKeys(db, view)
    .where((eb) => eb.or([eb('api_key.uid', '=', uidOrName), eb('api_key.name', '=', uidOrName)]))
    .orderBy('api_key.uid')
    .execute();
}

function selectKeys(db: Kysely<IdentityTables>, view: KeyView) {
  return db
    .selectFrom('api_key')
    .innerJoin('subject', 'subject.uid', 'api_key.subject_uid')
    .leftJoin('member', (join) =>
      join
        .onRef('member.subject_uid', '=', 'api_key.subject_uid')
        .on('member.organization_uid', '=', view.organizationUid),
    )
    .select([
      'api_key.uid',
      'api_key.name',
      'api_key.prefix',
      'api_key.last_characters',
      'api_key.subject_uid',
      'api_key.create_time',
      'api_key.expire_time',
      'api_key.last_use_time',
      'api_key.revoke_time',
      'subject.kind',
      'subject.name as subject_name',
      'member.role',
    ])
    .where((eb) => {
      const own = eb('api_key.subject_uid', '=', view.subjectUid);
      return view.serviceAccounts
        ? eb.or([own, eb('subject.organization_uid', '=', view.organizationUid)])
        : own;
    });
}

/** Ends a key; false when it had ended before. */
export async function endKey(tx: Kysely<IdentityTables>, uid: string): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('api_key')
    .set({ revoke_time: sql`now()` })
    .where('uid', '=', uid)
    .where('revoke_time', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** How many keys of the subject are good now. */
export async function countLivingKeys(db: Kysely<IdentityTables>, subjectUid: string): Promise<number> {
  const { count } = await db
    .selectFrom('api_key')
    .select(sql<number>`count(*)`.as('count'))
    .where('subject_uid', '=', subjectUid)
    .where('revoke_time', 'is', null)
    .where((eb) => eb.or([eb('expire_time', 'is', null), eb('expire_time', '>', sql<Date>`now()`)]))
    .executeTakeFirstOrThrow();
  return count;
}
