import type { Kysely, Selectable } from 'kysely';
import type { ConnectionRevisionTable, ConnectTables } from '../schema.ts';

/** The largest number that the column holds; a made-up page token may name a larger one. */
const LAST_REVISION = 2 ** 31 - 1;

export type RevisionRow = Selectable<ConnectionRevisionTable>;

/** Uid of the connection that had this slug last, among those that are deleted. */
export async function findDeletedConnection(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  slug: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('connection_revision')
    .select('connection_uid')
    .where('organization_uid', '=', organizationUid)
    .where('slug', '=', slug)
    .where('action', '=', 'deleted')
    .orderBy('create_time', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.connection_uid;
}

/** Newest first, those before `before`. */
export function listRevisionRows(
  db: Kysely<ConnectTables>,
  connectionUid: string,
  before: number | undefined,
  limit: number,
): Promise<RevisionRow[]> {
  let query = db.selectFrom('connection_revision').selectAll().where('connection_uid', '=', connectionUid);
  if (before !== undefined) query = query.where('revision', '<', Math.min(before, LAST_REVISION));
  return query.orderBy('revision', 'desc').limit(limit).execute();
}
