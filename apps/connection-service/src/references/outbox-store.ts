import { jsonb } from '@planton/database';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { ConnectTables, ReferenceOutboxTable } from '../schema.ts';
import type { Reference } from './reference.ts';

export type OutboxRow = Selectable<ReferenceOutboxTable>;

export interface Owner {
  readonly uid: string;
  readonly kind: string;
  readonly slug: string;
  readonly organization: { readonly uid: string; readonly slug: string };
}

/** Whoever committed delivers at once; the loop takes over after this. */
const HEAD_START_SECONDS = 5;
const LONGEST_PAUSE_SECONDS = 300;

/** Notes, with the commit, the exact set that has to be confirmed. A newer set of the owner takes the place of an older one. */
export async function enqueueReferences(
  tx: Transaction<ConnectTables>,
  owner: Owner,
  revision: number,
  references: readonly Reference[],
): Promise<void> {
  const due = sql<Date>`now() + make_interval(secs => ${HEAD_START_SECONDS})`;
  const row = {
    owner_kind: owner.kind,
    owner_slug: owner.slug,
    organization_uid: owner.organization.uid,
    organization_slug: owner.organization.slug,
    revision,
    reference_set: jsonb<unknown>(references),
    attempts: 0,
    attempt_time: due,
  };
  await tx
    .insertInto('reference_outbox')
    .values({ owner_uid: owner.uid, ...row })
    .onConflict((conflict) => conflict.column('owner_uid').doUpdateSet(row))
    .execute();
}

export function findOutboxRow(db: Kysely<ConnectTables>, ownerUid: string): Promise<OutboxRow | undefined> {
  return db.selectFrom('reference_outbox').selectAll().where('owner_uid', '=', ownerUid).executeTakeFirst();
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
    .where('owner_uid', 'in', (eb) =>
      eb
        .selectFrom('reference_outbox')
        .select('owner_uid')
        .where('attempt_time', '<=', sql<Date>`now()`)
        .orderBy('attempt_time')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute();
}

/** Drops what was delivered, unless a newer set has taken its place. */
export async function dropOutboxRow(
  db: Kysely<ConnectTables>,
  ownerUid: string,
  revision: number,
): Promise<void> {
  await db
    .deleteFrom('reference_outbox')
    .where('owner_uid', '=', ownerUid)
    .where('revision', '<=', revision)
    .execute();
}
