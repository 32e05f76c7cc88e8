import { type Kysely, sql, type Transaction } from 'kysely';
import type { RunnerTables } from '../schema.ts';
import type { InstanceRow, InstanceView } from './instance.ts';
import { isForgotten, isOnline } from './runner-store.ts';

type Tx = Transaction<RunnerTables>;

/** Where a page of instances starts: behind the instance with these three. */
export interface InstancePosition {
  readonly offline: boolean;
  readonly name: string;
  readonly uid: string;
}

/** Those that are online first, then by name. */
export function listInstanceViews(
  db: Kysely<RunnerTables>,
  runnerUid: string,
  page: {
    /** Whether those that are revoked or locked are listed too. */
    readonly refused: boolean;
    readonly after: InstancePosition | undefined;
    readonly limit: number;
  },
): Promise<InstanceView[]> {
  const { refused, after, limit } = page;
  let query = db
    .selectFrom('runner_instance as i')
    .innerJoin('runner as r', 'r.uid', 'i.runner_uid')
    .leftJoin('session as s', 's.instance_uid', 'i.uid')
    .leftJoin('replica as p', 'p.uid', 's.replica_uid')
    .select([
      'i.uid',
      'i.runner_uid',
      'i.organization_uid',
      'i.name',
      'i.ephemeral',
      'i.generation',
      'i.used_generation',
      'i.certificate_expire_time',
      'i.host',
      'i.enroll_time',
      'i.revoke_time',
      'i.lock_time',
      'r.revoke_time as runner_revoke_time',
    ])
    .select([
      sql<string>`coalesce(s.version, i.version)`.as('version'),
      isOnline.as('online'),
      sql<Date | null>`case when ${isOnline} then now()
        else greatest(i.last_seen_time, p.heartbeat_time) end`.as('last_seen_time'),
    ])
    .select((eb) =>
      eb
        .selectFrom('operation as o')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('o.instance_uid', '=', 'i.uid')
        .where('o.state', '=', 'running')
        .$asScalar()
        .$notNull()
        .as('running_operations'),
    )
    .where('i.runner_uid', '=', runnerUid)
    .where(sql<boolean>`not ${isForgotten}`);
  if (!refused) {
    query = query
      .where('i.revoke_time', 'is', null)
      .where('i.lock_time', 'is', null)
      .where('r.revoke_time', 'is', null);
  }
  if (after) {
    query = query.where(
      sql<boolean>`(not ${isOnline}, i.name, i.uid) > (${after.offline}, ${after.name}, ${after.uid})`,
    );
  }
  return query.orderBy(sql`not ${isOnline}`).orderBy('i.name').orderBy('i.uid').limit(limit).execute();
}

/** Locks an instance against every other change; undefined where there is none. */
export function lockInstance(tx: Tx, uid: string): Promise<InstanceRow | undefined> {
  return tx.selectFrom('runner_instance').selectAll().where('uid', '=', uid).forUpdate().executeTakeFirst();
}

/** Revokes a locked instance for ever. */
export async function revokeInstanceRow(tx: Tx, uid: string): Promise<void> {
  await tx
    .updateTable('runner_instance')
    .set({ revoke_time: sql<Date>`now()` })
    .where('uid', '=', uid)
    .execute();
}
