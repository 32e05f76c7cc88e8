import { randomUUID } from 'node:crypto';
import type { Database } from '@planton/database';
import { sql } from 'kysely';
import type { RunnerTables } from '../../schema.ts';

/** An instance of a runner, as enrolling leaves it. Answers its uid. */
export async function addInstance(
  { query }: Database<RunnerTables>,
  runnerUid: string,
  given: { readonly name?: string; readonly ephemeral?: boolean; readonly seenMinutesAgo?: number } = {},
): Promise<string> {
  const uid = randomUUID();
  const { organization_uid } = await query
    .selectFrom('runner')
    .select('organization_uid')
    .where('uid', '=', runnerUid)
    .executeTakeFirstOrThrow();
  const seen =
    given.seenMinutesAgo === undefined
      ? null
      : sql<Date>`now() - make_interval(mins => ${given.seenMinutesAgo})`;
  await query
    .insertInto('runner_instance')
    .values({
      uid,
      runner_uid: runnerUid,
      organization_uid,
      name: given.name ?? 'host',
      public_key: Buffer.alloc(91),
      ephemeral: given.ephemeral ?? false,
      generation: 1,
      used_generation: 1,
      certificate_expire_time: sql<Date>`now() + interval '7 days'`,
      last_seen_time: seen,
    })
    .execute();
  return uid;
}

/** A session of an instance on a replica, whose heartbeat is as old as given. */
export async function openTestSession(
  { query }: Database<RunnerTables>,
  instanceUid: string,
  given: { readonly replica?: string; readonly version?: string; readonly heartbeatSecondsAgo?: number } = {},
): Promise<void> {
  const { replica = 'replica-1', version = '1.0.0', heartbeatSecondsAgo = 0 } = given;
  const heartbeat = sql<Date>`now() - make_interval(secs => ${heartbeatSecondsAgo})`;
  await query
    .insertInto('replica')
    .values({ uid: replica, heartbeat_time: heartbeat })
    .onConflict((conflict) => conflict.column('uid').doUpdateSet({ heartbeat_time: heartbeat }))
    .execute();
  const instance = await query
    .selectFrom('runner_instance')
    .select(['runner_uid', 'organization_uid'])
    .where('uid', '=', instanceUid)
    .executeTakeFirstOrThrow();
  await query
    .insertInto('session')
    .values({
      ...instance,
      instance_uid: instanceUid,
      uid: randomUUID(),
      replica_uid: replica,
      max_in_flight: 10,
      version,
    })
    .execute();
}

/** An operation of a runner; running on an instance where one is given. Answers its uid. */
export async function addOperation(
  { query }: Database<RunnerTables>,
  runnerUid: string,
  instanceUid?: string,
): Promise<string> {
  const uid = randomUUID();
  const { organization_uid } = await query
    .selectFrom('runner')
    .select('organization_uid')
    .where('uid', '=', runnerUid)
    .executeTakeFirstOrThrow();
  await query
    .insertInto('operation')
    .values({
      uid,
      organization_uid,
      runner_uid: runnerUid,
      kind: 'ping',
      state: instanceUid === undefined ? 'queued' : 'running',
      attempt: instanceUid === undefined ? 0 : 1,
      instance_uid: instanceUid ?? null,
      requester_replica_uid: 'replica-1',
      idempotent: true,
      deadline: sql<Date>`now() + interval '1 minute'`,
      payload: Buffer.from('sealed'),
      connection_uid: '',
      connection_slug: '',
      requested_by: 'ada',
      request_id: 'request-1',
    })
    .execute();
  return uid;
}
