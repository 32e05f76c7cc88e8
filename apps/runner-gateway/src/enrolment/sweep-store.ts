import { type Kysely, sql, type Transaction } from 'kysely';
import { FORGET_AFTER_MINUTES } from '../runners/runner-store.ts';
import type { RunnerTables } from '../schema.ts';

/** The clocks of replicas differ: a nonce is remembered until every one of them finds that it has ended. */
const KEEP_NONCES_MINUTES = 60;

/** Replicas look at those of the last minutes. */
const KEEP_REVOCATIONS_HOURS = 24;

/** Rows in one sweep at most. */
const BATCH = 500;

/** Forgets nonces that have ended and revocations that every replica has seen. */
export async function dropOldRows(db: Kysely<RunnerTables>): Promise<void> {
  await db
    .deleteFrom('recovery_nonce')
    .where('expire_time', '<', sql<Date>`now() - make_interval(mins => ${KEEP_NONCES_MINUTES})`)
    .execute();
  await db
    .deleteFrom('revocation')
    .where('revoke_time', '<', sql<Date>`now() - make_interval(hours => ${KEEP_REVOCATIONS_HOURS})`)
    .execute();
}

/**
 * Locks ephemeral instances that were last seen long ago. The one of each runner that was seen last stays: it tells when the runner
 * was. Those that another transaction has in hand are left alone.
 */
export async function lockForgotten(tx: Transaction<RunnerTables>): Promise<string[]> {
  const rows = await tx
    .selectFrom('runner_instance as i')
    .select('i.uid')
    .where('i.ephemeral', '=', true)
    .where(
      sql<boolean>`coalesce(i.last_seen_time, i.enroll_time) < now() - make_interval(mins => ${FORGET_AFTER_MINUTES})`,
    )
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('session as s').select('s.uid').whereRef('s.instance_uid', '=', 'i.uid'))),
    )
    .where(({ or, exists, selectFrom }) =>
      or([
        sql<boolean>`i.last_seen_time is null`,
        exists(
          selectFrom('runner_instance as later')
            .select('later.uid')
            .whereRef('later.runner_uid', '=', 'i.runner_uid')
            .where(sql<boolean>`(later.last_seen_time, later.uid) > (i.last_seen_time, i.uid)`),
        ),
      ]),
    )
    .limit(BATCH)
    .forUpdate('i')
    .skipLocked()
    .execute();
  return rows.map(({ uid }) => uid);
}

/** Removes locked instances that have no session, which may have been opened just before they were locked. */
export async function dropInstances(tx: Transaction<RunnerTables>, uids: readonly string[]): Promise<void> {
  await tx
    .deleteFrom('runner_instance')
    .where('uid', 'in', uids)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('session')
            .select('session.uid')
            .whereRef('session.instance_uid', '=', 'runner_instance.uid'),
        ),
      ),
    )
    .execute();
}
