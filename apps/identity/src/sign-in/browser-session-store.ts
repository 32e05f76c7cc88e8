import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';
import type { Person } from './person-store.ts';

/** Seconds after which a person signs in again. */
export const BROWSER_SESSION_S = 12 * 3600;

/** What the database keeps of what the browser holds. */
function tracesOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Signs a browser in. */
export async function insertBrowserSession(
  tx: Kysely<IdentityTables>,
  session: {
    readonly id: string;
    readonly personUid: string;
    readonly token: string;
    readonly peerAddress: string;
    readonly userAgent: string;
  },
): Promise<void> {
  await tx
    .insertInto('session')
    .values({
      id: session.id,
      person_id: session.personUid,
      token: tracesOf(session.token),
      ip_address: session.peerAddress,
      user_agent: session.userAgent.slice(0, 256),
      create_time: sql<Date>`now()`,
      update_time: sql<Date>`now()`,
      expire_time: sql<Date>`now() + make_interval(secs => ${BROWSER_SESSION_S})`,
    })
    .execute();
}

/** Who signed in with the browser that holds this token. */
export async function findBrowserSession(
  db: Kysely<IdentityTables>,
  token: string,
): Promise<Person | undefined> {
  return personIn(await selectSession(db, token).executeTakeFirst());
}

/** The same, with the sign-in held until the transaction ends: what is done in its name was done before whatever ends it. */
export async function holdBrowserSession(
  tx: Kysely<IdentityTables>,
  token: string,
): Promise<Person | undefined> {
  return personIn(await selectSession(tx, token).forShare().executeTakeFirst());
}

function selectSession(db: Kysely<IdentityTables>, token: string) {
  return db
    .selectFrom('session')
    .innerJoin('subject', 'subject.uid', 'session.person_id')
    .innerJoin('person', 'person.id', 'session.person_id')
    .select(['subject.uid', 'subject.name', 'person.email', 'subject.instance_owner'])
    .where('session.token', '=', tracesOf(token))
    .where('session.expire_time', '>', sql<Date>`clock_timestamp()`)
    .where('subject.delete_time', 'is', null)
    .where('subject.disable_time', 'is', null);
}

type SessionRow = Awaited<ReturnType<ReturnType<typeof selectSession>['executeTakeFirst']>>;

function personIn(row: SessionRow): Person | undefined {
  return row && { uid: row.uid, name: row.name, email: row.email, instanceOwner: row.instance_owner };
}

export async function deleteBrowserSession(db: Kysely<IdentityTables>, token: string): Promise<void> {
  await db.deleteFrom('session').where('token', '=', tracesOf(token)).execute();
}

/** Signs every browser of a person out. */
export async function deleteBrowserSessions(tx: Kysely<IdentityTables>, personUid: string): Promise<void> {
  await tx.deleteFrom('session').where('person_id', '=', personUid).execute();
}

export async function forgetBrowserSessions(db: Kysely<IdentityTables>): Promise<void> {
  await db.deleteFrom('session').where('expire_time', '<', sql<Date>`now()`).execute();
}
