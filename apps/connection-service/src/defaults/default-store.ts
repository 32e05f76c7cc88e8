import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { ConnectTables, DefaultConnectionTable } from '../schema.ts';

export interface DefaultRow extends Selectable<DefaultConnectionTable> {
  readonly connection_slug: string;
}

export interface DefaultKey {
  readonly organizationUid: string;
  readonly provider: string;
  /** Empty for the organisation. */
  readonly environmentUid: string;
}

function selectDefaults(db: Kysely<ConnectTables>, organizationUid: string) {
  return db
    .selectFrom('default_connection as d')
    .innerJoin('connection as c', 'c.uid', 'd.connection_uid')
    .selectAll('d')
    .select('c.slug as connection_slug')
    .where('d.organization_uid', '=', organizationUid);
}

export function findDefault(
  db: Kysely<ConnectTables>,
  { organizationUid, provider, environmentUid }: DefaultKey,
): Promise<DefaultRow | undefined> {
  return selectDefaults(db, organizationUid)
    .where('d.provider', '=', provider)
    .where('d.environment_uid', '=', environmentUid)
    .executeTakeFirst();
}

/** The organisation first, then environments by slug; within one by provider. Those after `after`. */
export function listDefaults(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  after: readonly string[] | undefined,
  limit: number,
): Promise<DefaultRow[]> {
  const [slug = '', provider = '', uid = ''] = after ?? [];
  let query = selectDefaults(db, organizationUid);
  if (after) {
    query = query.where(
      sql<boolean>`(d.environment_slug, d.provider, d.environment_uid) > (${slug}::text, ${provider}::text, ${uid}::text)`,
    );
  }
  return query
    .orderBy('d.environment_slug')
    .orderBy('d.provider')
    .orderBy('d.environment_uid')
    .limit(limit)
    .execute();
}

export interface DefaultChange extends DefaultKey {
  readonly uid: string;
  readonly environmentSlug: string;
  readonly connectionUid: string;
  /** The revision that the change was made from; 0 to create. */
  readonly expectedRevision: number;
  readonly by: string;
}

/** False, with nothing written, when the default has changed in between. Rejects with a foreign key violation when the connection is gone. */
export async function writeDefault(tx: Transaction<ConnectTables>, change: DefaultChange): Promise<boolean> {
  if (change.expectedRevision === 0) {
    const row = await tx
      .insertInto('default_connection')
      .values({
        uid: change.uid,
        organization_uid: change.organizationUid,
        provider: change.provider,
        environment_uid: change.environmentUid,
        environment_slug: change.environmentSlug,
        connection_uid: change.connectionUid,
        revision: 1,
        created_by: change.by,
        updated_by: change.by,
      })
      .onConflict((conflict) =>
        conflict.columns(['organization_uid', 'provider', 'environment_uid']).doNothing(),
      )
      .returning('uid')
      .executeTakeFirst();
    return row !== undefined;
  }
  const row = await tx
    .updateTable('default_connection')
    .set({
      connection_uid: change.connectionUid,
      environment_slug: change.environmentSlug,
      revision: change.expectedRevision + 1,
      update_time: sql<Date>`now()`,
      updated_by: change.by,
    })
    .where('uid', '=', change.uid)
    .where('revision', '=', change.expectedRevision)
    .returning('uid')
    .executeTakeFirst();
  return row !== undefined;
}

export function deleteDefaultRow(
  tx: Transaction<ConnectTables>,
  { organizationUid, provider, environmentUid }: DefaultKey,
): Promise<Selectable<DefaultConnectionTable> | undefined> {
  return tx
    .deleteFrom('default_connection')
    .where('organization_uid', '=', organizationUid)
    .where('provider', '=', provider)
    .where('environment_uid', '=', environmentUid)
    .returningAll()
    .executeTakeFirst();
}
