import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import type { EnvironmentName } from '../connections/connection.ts';
import type { ConnectionAuthorizationTable, ConnectTables } from '../schema.ts';

export interface AuthorizationRow extends Selectable<ConnectionAuthorizationTable> {
  readonly provider: string;
  readonly connection_slug: string;
  readonly environments: readonly EnvironmentName[];
}

function selectAuthorizations(db: Kysely<ConnectTables>, organizationUid: string) {
  return db
    .selectFrom('connection_authorization as a')
    .innerJoin('connection as c', 'c.uid', 'a.connection_uid')
    .selectAll('a')
    .select((eb) => [
      'c.provider as provider',
      'c.slug as connection_slug',
      jsonArrayFrom(
        eb
          .selectFrom('authorization_environment as e')
          .select(['e.environment_uid as uid', 'e.environment_slug as slug'])
          .whereRef('e.connection_uid', '=', 'a.connection_uid'),
      ).as('environments'),
    ])
    .where('a.organization_uid', '=', organizationUid);
}

export function findAuthorization(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  connectionUid: string,
): Promise<AuthorizationRow | undefined> {
  return selectAuthorizations(db, organizationUid)
    .where('a.connection_uid', '=', connectionUid)
    .executeTakeFirst();
}

/** By slug of the connection, those after `after`. */
export function listAuthorizationRows(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  after: string,
  limit: number,
): Promise<AuthorizationRow[]> {
  return selectAuthorizations(db, organizationUid)
    .where('c.slug', '>', after)
    .orderBy('c.slug')
    .limit(limit)
    .execute();
}

export interface AuthorizationChange {
  readonly uid: string;
  readonly organizationUid: string;
  readonly connectionUid: string;
  readonly scope: 'organization' | 'environment';
  readonly environments: readonly EnvironmentName[];
  /** The revision that the change was made from; 0 to create. */
  readonly expectedRevision: number;
  readonly by: string;
}

/** False, with nothing written, when the authorisation has changed in between. Rejects with a foreign key violation when the connection is gone. */
export async function writeAuthorization(
  tx: Transaction<ConnectTables>,
  change: AuthorizationChange,
): Promise<boolean> {
  const written = change.expectedRevision === 0 ? await insertRow(tx, change) : await updateRow(tx, change);
  if (!written) return false;
  await tx
    .deleteFrom('authorization_environment')
    .where('connection_uid', '=', change.connectionUid)
    .execute();
  if (change.environments.length > 0) {
    await tx
      .insertInto('authorization_environment')
      .values(
        change.environments.map(({ uid, slug }) => ({
          connection_uid: change.connectionUid,
          environment_uid: uid,
          environment_slug: slug,
        })),
      )
      .execute();
  }
  return true;
}

async function insertRow(tx: Transaction<ConnectTables>, change: AuthorizationChange): Promise<boolean> {
  const row = await tx
    .insertInto('connection_authorization')
    .values({
      uid: change.uid,
      organization_uid: change.organizationUid,
      connection_uid: change.connectionUid,
      scope: change.scope,
      revision: 1,
      created_by: change.by,
      updated_by: change.by,
    })
    .onConflict((conflict) => conflict.column('connection_uid').doNothing())
    .returning('uid')
    .executeTakeFirst();
  return row !== undefined;
}

async function updateRow(tx: Transaction<ConnectTables>, change: AuthorizationChange): Promise<boolean> {
  const row = await tx
    .updateTable('connection_authorization')
    .set({
      scope: change.scope,
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

export function deleteAuthorizationRow(
  tx: Transaction<ConnectTables>,
  connectionUid: string,
): Promise<Selectable<ConnectionAuthorizationTable> | undefined> {
  return tx
    .deleteFrom('connection_authorization')
    .where('connection_uid', '=', connectionUid)
    .returningAll()
    .executeTakeFirst();
}
