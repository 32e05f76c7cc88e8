import type { Database } from '@planton/database';
import type { RunnerTables } from '../schema.ts';
import { dropInstances, dropOldRows, lockForgotten } from './sweep-store.ts';

/**
 * Removes what nothing can come of any more: instances whose key was in memory and that disconnected ten minutes ago, nonces that have
 * ended, revocations of the day before. For a loop that calls it every minute or so; replicas do not get in each other's way.
 */
export async function sweepRunners(database: Database<RunnerTables>): Promise<void> {
  await dropOldRows(database.query);
  await database.transact(async (tx) => {
    const uids = await lockForgotten(tx);
    if (uids.length > 0) await dropInstances(tx, uids);
  });
}
