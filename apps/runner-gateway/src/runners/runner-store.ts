import { type Kysely, sql } from 'kysely';
import { type RunnerTables, SCHEMA } from '../schema.ts';
import {
  ambiguousName,
  type OrganizationName,
  type RunnerRow,
  type RunnerView,
  runnerNotFound,
} from './runner.ts';

type Db = Kysely<RunnerTables>;

/** Without a heartbeat; see `replicas/`. */
const REPLICA_DIES_SECONDS = 15;

/** An instance that keeps its key in memory is forgotten this long after it was last seen. */
export const FORGET_AFTER_MINUTES = 10;

/** Names in an ambiguity error at most. */
const AMBIGUITY_LIMIT = 10;

/** A session is online while its replica `p` lives. */
export const isOnline = sql<boolean>`coalesce(p.heartbeat_time > now() - make_interval(secs => ${sql.lit(REPLICA_DIES_SECONDS)}), false)`;

/** Of the instance `i` and its session `s`, which may be none. */
export const isForgotten = sql<boolean>`(i.ephemeral and s.uid is null
  and coalesce(i.last_seen_time, i.enroll_time) < now() - make_interval(mins => ${sql.lit(FORGET_AFTER_MINUTES)}))`;

/** Everything about each runner in one statement, whatever the number of runners. */
function selectViews(db: Db, organizationUid: string) {
  return db
    .selectFrom('runner as r')
    .innerJoinLateral(
      (eb) =>
        eb
          .selectFrom('runner_instance as i')
          // The runner is named too, so that not every session there is has to be looked at.
          .leftJoin('session as s', (join) =>
            join.onRef('s.instance_uid', '=', 'i.uid').onRef('s.runner_uid', '=', 'r.uid'),
          )
          .leftJoin('replica as p', 'p.uid', 's.replica_uid')
          .whereRef('i.runner_uid', '=', 'r.uid')
          .select([
            sql<number>`count(*) filter (where i.revoke_time is null and i.lock_time is null and not ${isForgotten})`.as(
              'instances',
            ),
            sql<number>`count(*) filter (where ${isOnline})`.as('online_instances'),
            sql<Date | null>`case when bool_or(${isOnline}) then now()
              else greatest(max(i.last_seen_time), max(p.heartbeat_time)) end`.as('last_seen_time'),
            sql<
              string[]
            >`coalesce(jsonb_agg(distinct s.version order by s.version) filter (where ${isOnline}), '[]')`.as(
              'versions',
            ),
            // What runs is indexed by instance.
            sql<number>`coalesce(sum((select count(*) from ${sql.table(`${SCHEMA}.operation`)} o
              where o.instance_uid = i.uid and o.state = 'running')), 0)::bigint`.as('running_operations'),
          ])
          .as('observed'),
      (join) => join.onTrue(),
    )
    .selectAll('r')
    .select([
      'observed.instances',
      'observed.online_instances',
      'observed.last_seen_time',
      'observed.versions',
      'observed.running_operations',
    ])
    .select((eb) =>
      eb
        .selectFrom('operation as o')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('o.runner_uid', '=', 'r.uid')
        .where('o.state', '=', 'queued')
        .$asScalar()
        .$notNull()
        .as('queued_operations'),
    )
    .where('r.organization_uid', '=', organizationUid);
}

/** By slug, else by name. Throws `RUNNER_NOT_FOUND`, or `AMBIGUOUS_NAME` where several have the name. */
export async function getRunnerView(
  db: Db,
  organization: OrganizationName,
  nameOrSlug: string,
): Promise<RunnerView> {
  const rows = await selectViews(db, organization.uid)
    .where((eb) => eb.or([eb('r.slug', '=', nameOrSlug), eb('r.name', '=', nameOrSlug)]))
    .orderBy((eb) => eb('r.slug', '=', nameOrSlug), 'desc')
    .orderBy('r.slug')
    .limit(AMBIGUITY_LIMIT + 1)
    .execute();
  return onlyOne(rows, organization, nameOrSlug);
}

/** Like `getRunnerView`, without what is observed. */
export async function findRunnerByName(
  db: Db,
  organization: OrganizationName,
  nameOrSlug: string,
): Promise<RunnerRow> {
  const rows = await db
    .selectFrom('runner')
    .selectAll()
    .where('organization_uid', '=', organization.uid)
    .where((eb) => eb.or([eb('slug', '=', nameOrSlug), eb('name', '=', nameOrSlug)]))
    .orderBy((eb) => eb('slug', '=', nameOrSlug), 'desc')
    .orderBy('slug')
    .limit(AMBIGUITY_LIMIT + 1)
    .execute();
  return onlyOne(rows, organization, nameOrSlug);
}

function onlyOne<Row extends RunnerRow>(
  rows: readonly Row[],
  organization: OrganizationName,
  nameOrSlug: string,
): Row {
  const [first] = rows;
  if (!first) throw runnerNotFound(organization.slug, nameOrSlug);
  if (rows.length === 1 || first.slug === nameOrSlug) return first;
  throw ambiguousName(
    nameOrSlug,
    rows.map(({ slug }) => slug),
  );
}

/** By uid; undefined where it is gone. */
export function findRunnerView(
  db: Db,
  organizationUid: string,
  uid: string,
): Promise<RunnerView | undefined> {
  return selectViews(db, organizationUid).where('r.uid', '=', uid).executeTakeFirst();
}

/** By slug, those after `after`. */
export function listRunnerViews(
  db: Db,
  organizationUid: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<RunnerView[]> {
  return selectViews(db, organizationUid)
    .where('r.slug', '>', after)
    .orderBy('r.slug')
    .limit(limit)
    .execute();
}
