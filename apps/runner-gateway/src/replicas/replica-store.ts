import { type Kysely, sql } from 'kysely';
import type { RunnerTables } from '../schema.ts';

/** Seconds without a heartbeat after which a replica is dead: longer than it needs itself to notice and to close its sessions. */
export const DEAD_AFTER_SECONDS = 15;

/** What a heartbeat finds. */
export interface Heartbeat {
  /** How many other replicas live. */
  readonly others: number;
  /** Whether the replica was on record. One that was not is new, or was taken for dead. */
  readonly known: boolean;
}

/** Says that the replica lives. */
export async function beat(db: Kysely<RunnerTables>, replicaUid: string): Promise<Heartbeat> {
  const { rows } = await sql<Heartbeat>`
    with mine as (
      insert into ${sql.table('runner.replica')} (uid) values (${replicaUid})
      on conflict (uid) do update set heartbeat_time = now()
    )
    select count(*)::int as others,
      exists (select from ${sql.table('runner.replica')} where uid = ${replicaUid}) as known
    from ${sql.table('runner.replica')}
    where uid <> ${replicaUid} and heartbeat_time > now() - make_interval(secs => ${DEAD_AFTER_SECONDS})`.execute(
    db,
  );
  return rows[0] ?? { others: 0, known: false };
}

/** What went with replicas. */
export interface Reaped {
  readonly replicas: number;
  readonly sessions: number;
  readonly operations: number;
  /** Organisations whose runners look different now. */
  readonly organizationUids: readonly string[];
}

/**
 * Removes dead replicas, or the one that says goodbye, with the sessions that they had: their instances were last seen with the
 * last heartbeat, and what they carry out has lost its session: since then where it may be repeated, else since now, to give its instance
 * the time to come back. One statement; replicas that do it at the same time do not get in each other's
 * way.
 */
export async function reapReplicas(db: Kysely<RunnerTables>, leaving?: string): Promise<Reaped> {
  const dead =
    leaving === undefined
      ? sql`heartbeat_time < now() - make_interval(secs => ${DEAD_AFTER_SECONDS})`
      : sql`uid = ${leaving}`;
  const { rows } = await sql<{
    replicas: number;
    sessions: number;
    operations: number;
    organizations: string[] | null;
  }>`
    with dead as (
      delete from ${sql.table('runner.replica')} where uid in (
        select uid from ${sql.table('runner.replica')} where ${dead} for update skip locked
      ) returning uid, heartbeat_time
    ), gone as (
      delete from ${sql.table('runner.session')} s using dead where s.replica_uid = dead.uid
      returning s.instance_uid, s.organization_uid, dead.heartbeat_time
    ), seen as (
      update ${sql.table('runner.runner_instance')} i
      set last_seen_time = greatest(i.last_seen_time, gone.heartbeat_time)
      from gone where i.uid = gone.instance_uid
    ), lost as (
      update ${sql.table('runner.operation')} o
      set lost_time = coalesce(o.lost_time, case when o.idempotent then dead.heartbeat_time else now() end)
      from dead where o.replica_uid = dead.uid and o.state = 'running'
      returning o.uid
    )
    select
      (select count(*)::int from dead) as replicas,
      (select count(*)::int from gone) as sessions,
      (select count(*)::int from lost) as operations,
      (select array_agg(distinct organization_uid) from gone) as organizations`.execute(db);
  const [row] = rows;
  return {
    replicas: row?.replicas ?? 0,
    sessions: row?.sessions ?? 0,
    operations: row?.operations ?? 0,
    organizationUids: row?.organizations ?? [],
  };
}
