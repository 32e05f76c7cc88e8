import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { ConnectTables, OwnedSecretTable } from '../schema.ts';

type Db = Kysely<ConnectTables>;
type Tx = Transaction<ConnectTables>;

export type OwnedSecret = Selectable<OwnedSecretTable>;

/** A secret that nobody has set up anything with is given this long, in minutes, before it is taken for left behind. */
const GRACE_MINUTES = 10;

/** The secret of a connection: the one that it uses, else the one that was noted last. */
export function findOwnedSecret(db: Db, connectionUid: string): Promise<OwnedSecret | undefined> {
  return db
    .selectFrom('owned_secret as o')
    .selectAll('o')
    .where('connection_uid', '=', connectionUid)
    .where('retire_time', 'is', null)
    .orderBy(isUsed(), 'desc')
    .orderBy('create_time', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Notes a secret before it is minted. */
export async function insertOwnedSecret(
  db: Db,
  secret: Pick<OwnedSecret, 'uid' | 'organization_uid' | 'connection_uid'>,
): Promise<void> {
  await db.insertInto('owned_secret').values(secret).execute();
}

/** Keeps a secret from being retired until the end of the transaction. @returns whether it may be used */
export async function lockOwnedSecret(tx: Tx, uid: string, slug: string): Promise<boolean> {
  const locked = await tx
    .updateTable('owned_secret')
    .set({ slug })
    .where('uid', '=', uid)
    .where('retire_time', 'is', null)
    .returning('uid')
    .executeTakeFirst();
  return locked !== undefined;
}

/** Secrets that seem to be used by nothing any more, and those whose retirement was begun. */
export function listUnusedSecrets(db: Db, limit: number, connectionUid?: string): Promise<OwnedSecret[]> {
  const unused = db
    .selectFrom('owned_secret as o')
    .selectAll('o')
    .where((eb) => eb.or([eb('o.retire_time', 'is not', null), isUnused()]));
  return (connectionUid === undefined ? unused : unused.where('o.connection_uid', '=', connectionUid))
    .orderBy('o.create_time')
    .limit(limit)
    .execute();
}

/**
 * Decides that a secret is used no more. The lock comes first and the look second, in a statement of its own that sees what was
 * committed until then: a set-up or a connection takes the same lock before it uses the secret.
 *
 * @returns whether it may be retired now
 */
export async function markRetired(tx: Tx, uid: string): Promise<boolean> {
  const row = await tx
    .selectFrom('owned_secret')
    .select('retire_time')
    .where('uid', '=', uid)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return false;
  if (row.retire_time) return true;
  const marked = await tx
    .updateTable('owned_secret as o')
    .set({ retire_time: sql<Date>`now()` })
    .where('o.uid', '=', uid)
    .where(isUnused())
    .returning('o.uid')
    .executeTakeFirst();
  return marked !== undefined;
}

export async function forgetOwnedSecret(db: Db, uid: string): Promise<void> {
  await db.deleteFrom('owned_secret').where('uid', '=', uid).execute();
}

/** Over `owned_secret as o`: its connection uses it. */
function isUsed() {
  return sql<boolean>`exists (select from connect.connection c
    where c.uid = o.connection_uid and c.spec -> 'externalId' ->> 'secret' = o.slug)`;
}

/** Over `owned_secret as o`: no open set-up and no connection uses it, and it had its chance. */
function isUnused() {
  return sql<boolean>`(
    not exists (select from connect.trust_setup s where s.external_id_uid = o.uid and s.end_time is null)
    and not ${isUsed()}
    and (o.create_time < now() - make_interval(mins => ${GRACE_MINUTES})
      or exists (select from connect.trust_setup s where s.external_id_uid = o.uid)))`;
}
