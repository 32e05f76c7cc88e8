import type { Kysely } from 'kysely';
import { jsonArrayFrom } from 'kysely/helpers/postgres';
import type { ConnectTables } from '../schema.ts';
import { verificationColumns } from '../verification/verification-store.ts';
import { ambiguousName, type ConnectionRow, type ConnectionView, connectionNotFound } from './connection.ts';

export interface OrganizationName {
  readonly uid: string;
  readonly slug: string;
}

/** Names in an ambiguity error at most. */
const AMBIGUITY_LIMIT = 10;

function selectViews(db: Kysely<ConnectTables>, organizationUid: string) {
  return db
    .selectFrom('connection as c')
    .leftJoin('connection_authorization as a', 'a.connection_uid', 'c.uid')
    .leftJoin('connection_verification as v', 'v.connection_uid', 'c.uid')
    .selectAll('c')
    .select(verificationColumns)
    .select((eb) => [
      'a.scope as scope',
      jsonArrayFrom(
        eb
          .selectFrom('default_connection as d')
          .select(['d.environment_uid as uid', 'd.environment_slug as slug'])
          .whereRef('d.connection_uid', '=', 'c.uid'),
      ).as('defaults'),
      jsonArrayFrom(
        eb
          .selectFrom('authorization_environment as e')
          .select(['e.environment_uid as uid', 'e.environment_slug as slug'])
          .whereRef('e.connection_uid', '=', 'c.uid'),
      ).as('environments'),
    ])
    .where('c.organization_uid', '=', organizationUid);
}

/** By slug, else by name. Throws `CONNECTION_NOT_FOUND`, or `AMBIGUOUS_NAME` where several have the name. */
export async function getConnectionView(
  db: Kysely<ConnectTables>,
  organization: OrganizationName,
  nameOrSlug: string,
): Promise<ConnectionView> {
  const found = await findConnectionView(db, organization, nameOrSlug);
  if (found) return found;
  throw connectionNotFound(organization.slug, nameOrSlug);
}

/** Like `getConnectionView`; undefined where there is none. */
export async function findConnectionView(
  db: Kysely<ConnectTables>,
  organization: OrganizationName,
  nameOrSlug: string,
): Promise<ConnectionView | undefined> {
  const rows = await selectViews(db, organization.uid)
    .where((eb) => eb.or([eb('c.slug', '=', nameOrSlug), eb('c.name', '=', nameOrSlug)]))
    .orderBy((eb) => eb('c.slug', '=', nameOrSlug), 'desc')
    .orderBy('c.slug')
    .limit(AMBIGUITY_LIMIT + 1)
    .execute();
  const [first] = rows;
  if (rows.length > 1 && first?.slug !== nameOrSlug) {
    throw ambiguousName(
      nameOrSlug,
      rows.map(({ slug }) => slug),
    );
  }
  return first;
}

/** By slug, those after `after`. An empty provider selects all. */
export function listConnectionViews(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  filter: { readonly provider: string; readonly after: string; readonly limit: number },
): Promise<ConnectionView[]> {
  let query = selectViews(db, organizationUid).where('c.slug', '>', filter.after);
  if (filter.provider !== '') query = query.where('c.provider', '=', filter.provider);
  return query.orderBy('c.slug').limit(filter.limit).execute();
}

export interface ApplyBase {
  readonly view: ConnectionView | undefined;
  /** No change of the stored connection may be committed under this reference revision or an older one. */
  readonly fence: number;
}

/** What an apply starts from: the connection with this slug and its fence, of one moment. */
export async function readApplyBase(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  slug: string,
): Promise<ApplyBase> {
  const row = await selectViews(db, organizationUid)
    .leftJoin('reference_fence as f', 'f.owner_uid', 'c.uid')
    .select('f.revision as fence')
    .where('c.slug', '=', slug)
    .executeTakeFirst();
  return { view: row, fence: Math.max(row?.fence ?? 0, row?.reference_revision ?? 0) };
}

/** A connection by its uid, undefined where there is none, with the fence of its uid, of one moment. */
export async function findConnectionByUid(
  db: Kysely<ConnectTables>,
  organizationUid: string,
  uid: string,
): Promise<{ readonly connection: ConnectionRow | undefined; readonly fence: number }> {
  const row = await db
    .selectFrom('connection as c')
    .fullJoin('reference_fence as f', 'f.owner_uid', 'c.uid')
    .selectAll('c')
    .select('f.revision as fence')
    .where((eb) => eb.or([eb('c.uid', '=', uid), eb('f.owner_uid', '=', uid)]))
    .executeTakeFirst();
  if (!row) return { connection: undefined, fence: 0 };
  const { fence, ...connection } = row;
  const own = connection.uid !== null && connection.organization_uid === organizationUid;
  return {
    connection: own ? (connection as ConnectionRow) : undefined,
    fence: Math.max(fence ?? 0, connection.reference_revision ?? 0),
  };
}
