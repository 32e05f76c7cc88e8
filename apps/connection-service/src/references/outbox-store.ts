import { jsonb } from '@planton/database';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { ConnectTables, ReferenceOutboxTable, ReferenceTarget } from '../schema.ts';
import type { Reference } from './reference.ts';

export type OutboxRow = Selectable<ReferenceOutboxTable>;

export interface Owner {
  readonly uid: string;
  readonly kind: string;
  readonly slug: string;
  readonly organization: { readonly uid: string; readonly slug: string };
}

/** The exact set that one of the other services has to be told. */
export type OutboxSet =
  | { readonly target: 'config'; readonly references: readonly Reference[] }
  | { readonly target: 'runner'; readonly runnerUids: readonly string[] };

/** Whoever committed delivers at once; the loop takes over after this. */
const HEAD_START_SECONDS = 5;
const LONGEST_PAUSE_SECONDS = 300;

/** Notes, with the commit, the exact set that has to be confirmed. A newer set for the same service takes the place of an older one. */
export async function enqueueReferences(
  tx: Transaction<ConnectTables>,
  owner: Owner,
  revision: number,
  set: OutboxSet,
): Promise<void> {
  const row = {
    owner_kind: owner.kind,
    owner_slug: owner.slug,
    organization_uid: owner.organization.uid,
    organization_slug: owner.organization.slug,
    revision,
    reference_set: jsonb<unknown>(set.target === 'config' ? set.references : set.runnerUids),
    attempts: 0,
    attempt_time: sql<Date>`now() + make_interval(secs => ${HEAD_START_SECONDS})`,
  };
  await tx
    .insertInto('reference_outbox')
    .values({ owner_uid: owner.uid, target: set.target, ...row })
    .onConflict((conflict) => conflict.columns(['owner_uid', 'target']).doUpdateSet(row))
    .execute();
}

/** What the owner has still to confirm, at most one row for each service. */
export function findOutboxRows(db: Kysely<ConnectTables>, ownerUid: string): Promise<OutboxRow[]> {
  return db.selectFrom('reference_outbox').selectAll().where('owner_uid', '=', ownerUid).execute();
}

/**
 * Takes rows that are due, the longest due first, and puts off their next attempt with exponential, jittered pauses, so that replicas do
 * not take the same ones.
 *
 * @param jitter in [0, 1)
 */
export function claimOutboxRows(
  db: Kysely<ConnectTables>,
  limit: number,
  jitter: number,
): Promise<OutboxRow[]> {
  return db
    .updateTable('reference_outbox')
    .set((eb) => ({
      attempts: eb('attempts', '+', 1),
      attempt_time: sql<Date>`now() + make_interval(secs =>
        least(${LONGEST_PAUSE_SECONDS}, power(2, least(attempts + 1, 12))) * (0.5 + ${jitter}::float8 / 2))`,
    }))
    .where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple('owner_uid', 'target'),
        'in',
        selectFrom('reference_outbox as due')
          .select(['due.owner_uid', 'due.target'])
          .where('due.attempt_time', '<=', sql<Date>`now()`)
          .orderBy('due.attempt_time')
          .limit(limit)
          .forUpdate()
          .skipLocked()
          .$asTuple('owner_uid', 'target'),
      ),
    )
    .returningAll()
    .execute();
}

/** Drops what was delivered, unless a newer set has taken its place. */
export async function dropOutboxRow(
  db: Kysely<ConnectTables>,
  ownerUid: string,
  target: ReferenceTarget,
  revision: number,
): Promise<void> {
  await db
    .deleteFrom('reference_outbox')
    .where('owner_uid', '=', ownerUid)
    .where('target', '=', target)
    .where('revision', '<=', revision)
    .execute();
}
