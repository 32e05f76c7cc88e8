import { jsonb, takeTurn } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { RevocationTable, RunnerTables } from '../schema.ts';
import type { OrganizationName, RunnerRow } from './runner.ts';

type Tx = Transaction<RunnerTables>;

export interface NewRunner {
  readonly uid: string;
  readonly organization: OrganizationName;
  readonly slug: string;
  readonly name: string;
  readonly by: string;
}

function rowOf({ uid, organization, slug, name, by }: NewRunner) {
  return {
    uid,
    organization_uid: organization.uid,
    organization_slug: organization.slug,
    slug,
    name,
    created_by: by,
    updated_by: by,
  };
}

/** The runner that has the slug, locked: this one where there was none. */
export function insertRunner(tx: Tx, runner: NewRunner): Promise<RunnerRow & { readonly created: boolean }> {
  return (
    tx
      .insertInto('runner')
      .values(rowOf(runner))
      .onConflict((conflict) =>
        conflict
          .columns(['organization_uid', 'slug'])
          .doUpdateSet(({ ref }) => ({ slug: ref('excluded.slug') })),
      )
      .returningAll()
      // A row that was there has been locked by the update.
      .returning(sql<boolean>`xmax::text = '0'`.as('created'))
      .executeTakeFirstOrThrow()
  );
}

/** Makes the runner unless it is there. */
export async function keepRunner(db: Kysely<RunnerTables>, runner: NewRunner): Promise<void> {
  await db
    .insertInto('runner')
    .values(rowOf(runner))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** How many runners an organisation has, with this transaction's, while nobody else registers one there. */
export async function countRunnersInTurn(tx: Tx, organizationUid: string): Promise<number> {
  await takeTurn(tx, `runner runners ${organizationUid}`);
  const { count } = await tx
    .selectFrom('runner')
    .select(sql<number>`count(*)`.as('count'))
    .where('organization_uid', '=', organizationUid)
    .executeTakeFirstOrThrow();
  return count;
}

/** Locks a runner against every other change and against new references; undefined where it is gone. */
export function lockRunner(tx: Tx, uid: string): Promise<RunnerRow | undefined> {
  return tx.selectFrom('runner').selectAll().where('uid', '=', uid).forUpdate().executeTakeFirst();
}

/** Locks a runner against deletion and revocation, and lets others do the same; undefined where it is gone. */
export function holdRunner(tx: Tx, uid: string): Promise<RunnerRow | undefined> {
  return tx.selectFrom('runner').selectAll().where('uid', '=', uid).forShare().executeTakeFirst();
}

/** Revokes a locked runner for ever. */
export async function revokeRunnerRow(tx: Tx, uid: string, by: string): Promise<void> {
  await tx
    .updateTable('runner')
    .set((eb) => ({
      revoke_time: sql<Date>`now()`,
      update_time: sql<Date>`now()`,
      updated_by: by,
      revision: eb('revision', '+', 1),
    }))
    .where('uid', '=', uid)
    .execute();
}

/** Removes a locked runner that nothing refers to, with its instances and tokens. */
export async function deleteRunnerRow(tx: Tx, uid: string): Promise<void> {
  await tx.deleteFrom('runner').where('uid', '=', uid).execute();
}

/** Has every replica end the sessions of a runner, or of one instance of it. */
export async function insertRevocation(
  tx: Tx,
  revocation: {
    readonly uid: string;
    readonly runnerUid: string;
    /** Empty for every instance of the runner. */
    readonly instanceUid: string;
    readonly reason: RevocationTable['reason'];
  },
): Promise<void> {
  await tx
    .insertInto('revocation')
    .values({
      uid: revocation.uid,
      runner_uid: revocation.runnerUid,
      instance_uid: revocation.instanceUid,
      reason: revocation.reason,
    })
    .execute();
}

export interface EndedOperation {
  readonly uid: string;
  /** The replica whose caller waits for the end. */
  readonly requester_replica_uid: string;
}

/** Ends what waits for a runner that will not come. @param error `OperationError` as protobuf JSON */
export function failQueuedOperations(tx: Tx, runnerUid: string, error: unknown): Promise<EndedOperation[]> {
  return tx
    .updateTable('operation')
    .set({ state: 'failed', end_time: sql<Date>`now()`, payload: null, error: jsonb(error) })
    .where('runner_uid', '=', runnerUid)
    .where('state', '=', 'queued')
    .returning(['uid', 'requester_replica_uid'])
    .execute();
}
