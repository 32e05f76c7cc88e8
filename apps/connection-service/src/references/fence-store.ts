import { type Kysely, sql, type Transaction } from 'kysely';
import { type ConnectionRow, readSpec } from '../connections/connection.ts';
import { findProvider } from '../providers/registry.ts';
import type { ConnectTables, ReferenceTarget } from '../schema.ts';
import type { OutboxSet } from './outbox-store.ts';
import type { Reference } from './reference.ts';

/** Fences of connections that never came to be are kept this long: far longer than any apply can take. */
const KEEP_HOURS = 24;

/**
 * The fence of an owner orders a commit against a reconciliation: both take its row lock first. Returns the reference revision up
 * to which nothing may be committed any more.
 */
export async function lockFence(
  tx: Transaction<ConnectTables>,
  ownerUid: string,
  raiseTo = 0,
): Promise<number> {
  const { revision } = await tx
    .insertInto('reference_fence')
    .values({ owner_uid: ownerUid, revision: raiseTo })
    .onConflict((conflict) =>
      conflict.column('owner_uid').doUpdateSet({
        revision: sql<number>`greatest(reference_fence.revision, excluded.revision)`,
      }),
    )
    .returning('revision')
    .executeTakeFirstOrThrow();
  return revision;
}

export interface CommittedOwner {
  /** What one of the other services has to know; empty where there is no such connection. */
  readonly set: OutboxSet;
  /** The reference revision of what is committed, 0 for nothing. */
  readonly revision: number;
}

/**
 * What is committed for an owner, as one of the other services has to know it. Call it with the fence locked. Throws where the stored
 * spec is needed and cannot be read: nothing is known then.
 */
export async function readCommittedOwner(
  tx: Transaction<ConnectTables>,
  ownerUid: string,
  target: ReferenceTarget,
): Promise<CommittedOwner> {
  const row = await tx.selectFrom('connection').selectAll().where('uid', '=', ownerUid).executeTakeFirst();
  const set: OutboxSet =
    target === 'config'
      ? { target, references: row ? referencesOfRow(row) : [] }
      : { target, runnerUids: row ? runnersOfRow(row) : [] };
  return { set, revision: row?.reference_revision ?? 0 };
}

/** The runner of a connection as a set: one, or none. */
export function runnersOfRow({ runner_uid }: Pick<ConnectionRow, 'runner_uid'>): readonly string[] {
  return runner_uid === '' ? [] : [runner_uid];
}

/** Throws where the stored spec cannot be read. */
export function referencesOfRow(row: ConnectionRow): readonly Reference[] {
  const provider = findProvider(row.provider);
  const spec = provider && readSpec(provider, row.spec);
  if (!spec) throw new Error(`the spec of connection ${row.uid} cannot be read`);
  return provider.referencesOf(spec).map(({ reference }) => reference);
}

/** Forgets the fences of connections that are gone. */
export async function pruneFences(db: Kysely<ConnectTables>): Promise<void> {
  await db
    .deleteFrom('reference_fence')
    .where('fence_time', '<', sql<Date>`now() - make_interval(hours => ${KEEP_HOURS})`)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('connection').select('uid').whereRef('connection.uid', '=', 'reference_fence.owner_uid'),
        ),
      ),
    )
    .execute();
}
