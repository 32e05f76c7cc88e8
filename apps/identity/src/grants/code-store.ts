import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** Seconds between the click and the exchange: a program waits for the code. */
const CODE_S = 60;

export interface Code {
  readonly subjectUid: string;
  readonly redirectUri: string;
  readonly codeChallenge: string;
  readonly label: string;
}

export async function insertCode(tx: Kysely<IdentityTables>, hash: Buffer, code: Code): Promise<void> {
  await tx
    .insertInto('authorization_code')
    .values({
      hash,
      subject_uid: code.subjectUid,
      redirect_uri: code.redirectUri,
      code_challenge: code.codeChallenge,
      label: code.label,
      expire_time: sql<Date>`now() + make_interval(secs => ${CODE_S})`,
    })
    .execute();
}

/** Uses a code up, whatever comes of it: a second try finds it used, with the grant that came of the first. */
export async function spendCode(
  tx: Kysely<IdentityTables>,
  hash: Buffer,
): Promise<
  | (Code & {
      readonly name: string;
      readonly instanceOwner: boolean;
      readonly good: boolean;
      readonly grantUid: string | null;
    })
  | undefined
> {
  const row = await tx
    .selectFrom('authorization_code')
    .innerJoin('subject', 'subject.uid', 'authorization_code.subject_uid')
    .selectAll('authorization_code')
    .select(['subject.name', 'subject.instance_owner'])
    .select(
      sql<boolean>`spend_time is null and authorization_code.expire_time > clock_timestamp()
        and subject.delete_time is null and subject.disable_time is null`.as('good'),
    )
    .where('hash', '=', hash)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!row) return undefined;
  await tx
    .updateTable('authorization_code')
    .set({ spend_time: sql<Date>`coalesce(spend_time, now())` })
    .where('hash', '=', hash)
    .execute();
  return {
    subjectUid: row.subject_uid,
    redirectUri: row.redirect_uri,
    codeChallenge: row.code_challenge,
    label: row.label,
    name: row.name,
    instanceOwner: row.instance_owner,
    good: row.good,
    grantUid: row.grant_uid,
  };
}

/** Remembers what came of a code. */
export async function noteGrant(tx: Kysely<IdentityTables>, hash: Buffer, grantUid: string): Promise<void> {
  await tx.updateTable('authorization_code').set({ grant_uid: grantUid }).where('hash', '=', hash).execute();
}

/** Uses up every code of a person that waits for its program. */
export async function spendCodesOf(tx: Kysely<IdentityTables>, subjectUid: string): Promise<void> {
  await tx
    .updateTable('authorization_code')
    .set({ spend_time: sql<Date>`now()` })
    .where('subject_uid', '=', subjectUid)
    .where('spend_time', 'is', null)
    .execute();
}

export async function forgetCodes(db: Kysely<IdentityTables>): Promise<void> {
  await db
    .deleteFrom('authorization_code')
    .where('expire_time', '<', sql<Date>`now() - interval '1 day'`)
    .execute();
}
