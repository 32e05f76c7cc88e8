import { prepareStatement } from '@planton/database';
import { type Kysely, sql } from 'kysely';
import { errorJson, outcomeUnknown } from '../operations/operation.ts';
import { type RunnerTables, SCHEMA } from '../schema.ts';

/** An attempt that a hello lists as the runner's. */
export interface ListedAttempt {
  readonly uid: string;
  readonly attempt: number;
}

/** A hello that asks for a session. */
export interface SessionRequest {
  readonly instanceUid: string;
  /** Of the certificate that the connection showed. */
  readonly generation: number;
  readonly sessionUid: string;
  readonly maxInFlight: number;
  readonly version: string;
  /** Protobuf JSON of the facts about the host. */
  readonly host: string;
  readonly attempts: readonly ListedAttempt[];
}

/**
 * What is said to a hello.
 *
 * - `open`: welcome
 * - `unknown`: there is no such instance, or no longer
 * - `revoked`: the instance, or its registration
 * - `locked`: a replaced certificate of it was used before
 * - `replaced`: this very certificate has been replaced and the next one was used since, so the instance has to be locked
 * - `too_many`: the registration has as many sessions as it may
 * - `isolated`: the others take this replica for dead
 */
export type Verdict = 'open' | 'unknown' | 'revoked' | 'locked' | 'replaced' | 'too_many' | 'isolated';

/** An attempt that goes on on the new session. */
export interface AdoptedAttempt {
  readonly uid: string;
  readonly attempt: number;
  readonly kind: string;
  readonly requester_replica_uid: string;
  /** Whether its end was asked for. */
  readonly cancelled: boolean;
  readonly left_ms: number;
  /** Number of the last step on record. */
  readonly steps: number;
}

/** An attempt of the instance that its hello did not list: the operation waits again, or has ended. */
export interface ReleasedAttempt {
  readonly uid: string;
  readonly state: 'queued' | 'cancelled' | 'outcome_unknown';
  readonly requester_replica_uid: string;
}

export interface OpenedSession {
  readonly verdict: Verdict;
  readonly runner_uid: string;
  readonly organization_uid: string;
  readonly runner_slug: string;
  /** The newest generation on record: the session shows an older certificate where it is greater. */
  readonly newest_generation: number;
  /** The replica of the session that this one supersedes; null where there was none. */
  readonly superseded_on: string | null;
  readonly adopted: readonly AdoptedAttempt[];
  readonly released: readonly ReleasedAttempt[];
  /** Whether operations wait for the runner. */
  readonly has_work: boolean;
}

/**
 * The assignments of an `update … operation o` that releases what an instance was carrying out: it waits again, or ends where its end
 * was asked for, or is of unknown outcome where its kind may not be repeated.
 */
export const RELEASE = `
  state = case when not o.idempotent then 'outcome_unknown' when o.cancel_time is not null then 'cancelled' else 'queued' end,
  end_time = case when o.idempotent and o.cancel_time is null then null else now() end,
  payload = case when o.idempotent and o.cancel_time is null then o.payload end,
  error = case when not o.idempotent then '${errorJson(outcomeUnknown).replaceAll("'", "''")}'::jsonb end,
  instance_uid = case when o.idempotent and o.cancel_time is null then null else o.instance_uid end,
  replica_uid = case when o.idempotent and o.cancel_time is null then null else o.replica_uid end,
  lost_time = null`;

const OPEN = prepareStatement<OpenedSession & { readonly instance_uid: string }>(`
  with hello as (
    select * from unnest($2::text[], $3::integer[], $4::text[], $5::integer[], $6::text[], $7::text[])
      as h (instance_uid, generation, session_uid, max_in_flight, version, host)
  ), listed as (
    select * from unnest($8::text[], $9::text[], $10::integer[]) as l (instance_uid, uid, attempt)
  ), known as materialized (
    select i.uid, i.runner_uid, i.organization_uid, i.generation, i.used_generation, i.revoke_time, i.lock_time
    from "${SCHEMA}".runner_instance i where i.uid = any($2::text[]) order by i.uid for update
  ), pool as (
    select r.uid, r.slug, r.revoke_time, (
      select count(*) from (select from "${SCHEMA}".session s where s.runner_uid = r.uid limit $11) as counted
    ) as sessions
    from "${SCHEMA}".runner r where r.uid in (select runner_uid from known)
  ), judged as materialized (
    select h.*, k.runner_uid, k.organization_uid, k.generation as newest, p.slug, s.replica_uid as superseded_on,
      case
        when p.uid is null then 'unknown'
        when k.revoke_time is not null or p.revoke_time is not null then 'revoked'
        when k.lock_time is not null then 'locked'
        when h.generation < k.used_generation then 'replaced'
        when not exists (select from "${SCHEMA}".replica where uid = $1) then 'isolated'
        when s.uid is null and p.sessions + row_number() over (partition by k.runner_uid, s.uid is null) > $11 then 'too_many'
        else 'open'
      end as verdict
    from hello h
    left join known k on k.uid = h.instance_uid
    left join pool p on p.uid = k.runner_uid
    left join "${SCHEMA}".session s on s.instance_uid = h.instance_uid
  ), noted as (
    update "${SCHEMA}".runner_instance i set used_generation = j.generation, version = j.version, host = j.host::jsonb,
      generation = greatest(i.generation, j.generation)
    from judged j where i.uid = j.instance_uid and j.verdict = 'open'
      and (i.used_generation <> j.generation or i.version <> j.version or i.host <> j.host::jsonb)
  ), opened as (
    insert into "${SCHEMA}".session as s (instance_uid, uid, runner_uid, organization_uid, replica_uid, max_in_flight, version)
    select j.instance_uid, j.session_uid, j.runner_uid, j.organization_uid, $1, j.max_in_flight, j.version
    from judged j where j.verdict = 'open'
    on conflict (instance_uid) do update set uid = excluded.uid, replica_uid = excluded.replica_uid,
      max_in_flight = excluded.max_in_flight, version = excluded.version, open_time = now()
  ), adopted as (
    update "${SCHEMA}".operation o set replica_uid = $1, lost_time = null
    from listed l join judged j on j.instance_uid = l.instance_uid and j.verdict = 'open'
    where o.uid = l.uid and o.attempt = l.attempt and o.instance_uid = l.instance_uid and o.state = 'running'
    returning o.instance_uid, o.uid, o.attempt, o.kind, o.requester_replica_uid, o.cancel_time is not null as cancelled,
      extract(epoch from o.deadline - now()) * 1000 as left_ms, (
        select coalesce(max(t.sequence), 0) from "${SCHEMA}".operation_step t where t.operation_uid = o.uid and t.attempt = o.attempt
      ) as steps
  ), released as (
    update "${SCHEMA}".operation o set ${RELEASE}
    from judged j
    where o.instance_uid = j.instance_uid and j.verdict = 'open' and o.state = 'running'
      and not exists (select from listed l where l.uid = o.uid and l.attempt = o.attempt and l.instance_uid = j.instance_uid)
    returning j.instance_uid, o.uid, o.state, o.requester_replica_uid
  )
  select j.instance_uid, j.verdict, coalesce(j.runner_uid, '') as runner_uid, coalesce(j.organization_uid, '') as organization_uid,
    coalesce(j.slug, '') as runner_slug, coalesce(j.newest, 0) as newest_generation,
    j.superseded_on,
    (select coalesce(jsonb_agg(to_jsonb(a) - 'instance_uid'), '[]') from adopted a where a.instance_uid = j.instance_uid) as adopted,
    (select coalesce(jsonb_agg(to_jsonb(x) - 'instance_uid'), '[]') from released x where x.instance_uid = j.instance_uid) as released,
    exists (select from "${SCHEMA}".operation q where q.runner_uid = j.runner_uid and q.state = 'queued') as has_work
  from judged j`);

/**
 * Opens the sessions of instances, one each, in one statement: checks the instance and its registration, notes the generation of its
 * certificate, takes the session down over any other of the instance, wherever that is, keeps the attempts that the hello lists and
 * releases the others.
 *
 * @param cap sessions of one registration at most
 * @returns in the order of the requests
 */
export async function openSessions(
  db: Kysely<RunnerTables>,
  replicaUid: string,
  requests: readonly SessionRequest[],
  cap: number,
): Promise<OpenedSession[]> {
  const column = <T>(pick: (request: SessionRequest) => T) => requests.map(pick);
  const listed = requests.flatMap(({ instanceUid, attempts }) =>
    attempts.map(({ uid, attempt }) => ({ instanceUid, uid, attempt })),
  );
  const { rows } = await db.executeQuery(
    OPEN([
      replicaUid,
      column(({ instanceUid }) => instanceUid),
      column(({ generation }) => generation),
      column(({ sessionUid }) => sessionUid),
      column(({ maxInFlight }) => maxInFlight),
      column(({ version }) => version),
      column(({ host }) => host),
      listed.map(({ instanceUid }) => instanceUid),
      listed.map(({ uid }) => uid),
      listed.map(({ attempt }) => attempt),
      cap,
    ]),
  );
  const answers = new Map(rows.map((row) => [row.instance_uid, row]));
  return requests.map(({ instanceUid }) => {
    const answer = answers.get(instanceUid);
    if (!answer) throw new Error('a hello was not answered');
    return answer;
  });
}

/** A session that is over. */
export interface EndedSession {
  readonly sessionUid: string;
  /** Milliseconds since the runner was last heard. */
  readonly silentMs: number;
  /** What it was carrying out. */
  readonly attempts: readonly ListedAttempt[];
  /** Whether the instance will not come back for them: then they are released without waiting for it. */
  readonly final: boolean;
}

const END = prepareStatement<{ readonly organization_uid: string }>(`
  with given as (
    select * from unnest($2::text[], $3::float8[]) as g (session_uid, silent_ms)
  ), ended as (
    delete from "${SCHEMA}".session s using given g where s.uid = g.session_uid
    returning s.instance_uid, s.organization_uid, g.silent_ms
  ), seen as (
    update "${SCHEMA}".runner_instance i set last_seen_time = now() - e.silent_ms * interval '1 millisecond'
    from ended e where i.uid = e.instance_uid
  ), lost as (
    update "${SCHEMA}".operation o set lost_time = case when l.final then '-infinity' else now() end
    from unnest($4::text[], $5::integer[], $6::boolean[], $7::text[]) as l (uid, attempt, final, session_uid)
    where o.uid = l.uid and o.attempt = l.attempt and o.state = 'running' and o.replica_uid = $1 and not exists (
      select from "${SCHEMA}".session s where s.instance_uid = o.instance_uid and s.uid <> l.session_uid
    )
  )
  select distinct organization_uid from ended`);

/**
 * Takes sessions off the record and notes that their attempts are lost for now. Sessions that were superseded are no longer on record, and
 * their attempts may be another's: both stay as they are.
 *
 * @returns the organisations whose runners have changed
 */
export async function endSessions(
  db: Kysely<RunnerTables>,
  replicaUid: string,
  sessions: readonly EndedSession[],
): Promise<string[]> {
  const attempts = sessions.flatMap(({ attempts: own, final, sessionUid }) =>
    own.map(({ uid, attempt }) => ({ uid, attempt, final, sessionUid })),
  );
  const { rows } = await db.executeQuery(
    END([
      replicaUid,
      sessions.map(({ sessionUid }) => sessionUid),
      sessions.map(({ silentMs }) => silentMs),
      attempts.map(({ uid }) => uid),
      attempts.map(({ attempt }) => attempt),
      attempts.map(({ final }) => final),
      attempts.map(({ sessionUid }) => sessionUid),
    ]),
  );
  return rows.map(({ organization_uid }) => organization_uid);
}

/** Uids of the sessions that are on record for a replica. */
export async function listSessionUids(db: Kysely<RunnerTables>, replicaUid: string): Promise<string[]> {
  const rows = await db.selectFrom('session').select('uid').where('replica_uid', '=', replicaUid).execute();
  return rows.map(({ uid }) => uid);
}

/** Uids of the sessions that are on record for instances, wherever they are. */
export function readSessionUids(
  db: Kysely<RunnerTables>,
  instanceUids: readonly string[],
): Promise<{ readonly instance_uid: string; readonly uid: string }[]> {
  return db
    .selectFrom('session')
    .select(['instance_uid', 'uid'])
    .where('instance_uid', '=', sql<string>`any(${instanceUids}::text[])`)
    .execute();
}

/** A runner, or one instance of it, that may have no session. */
export interface Revoked {
  readonly runner_uid: string;
  /** Empty for every instance. */
  readonly instance_uid: string;
  readonly reason: 'revoked' | 'locked';
}

const REVOKED = prepareStatement<Revoked>(`
  select runner_uid, instance_uid, reason from "${SCHEMA}".revocation where revoke_time > now() - interval '10 minutes'`);

/** Everything that was revoked or locked in the last ten minutes. */
export async function listRevoked(db: Kysely<RunnerTables>): Promise<readonly Revoked[]> {
  const { rows } = await db.executeQuery(REVOKED([]));
  return rows;
}
