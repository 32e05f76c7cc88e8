import { jsonb } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { ConnectionRow } from '../connections/connection.ts';
import type { ConnectTables } from '../schema.ts';
import type { ProtectionChange, ProtectionRecord } from './protection.ts';
import type { Finding, VerificationColumns } from './verification.ts';

/** What a connection is shown with, of a table that is called `v`. */
export const verificationColumns = [
  'v.outcome as verification_outcome',
  'v.verify_time as verification_time',
  'v.revision as verification_revision',
  'v.message as verification_message',
  'v.causes as verification_causes',
  'v.identity as verification_identity',
  'v.runner as verification_runner',
  'v.last_success_time',
  'v.next_verify_time',
  'v.probe_time',
  'v.probe_revision',
] as const;

/** Puts a revision that was just written on the schedule. What was found out about an earlier one stays. */
export async function scheduleVerification(
  tx: Transaction<ConnectTables>,
  connectionUid: string,
  revision: number,
  seconds: number,
): Promise<void> {
  const due = {
    current_revision: revision,
    next_verify_time: sql<Date>`now() + make_interval(secs => ${seconds})`,
    attempts: 0,
  };
  await tx
    .insertInto('connection_verification')
    .values({ connection_uid: connectionUid, ...due })
    .onConflict((conflict) => conflict.column('connection_uid').doUpdateSet(due))
    .execute();
}

/** When a connection is due again. */
export interface NextCheck {
  readonly seconds: number;
  /** Attempts in a row that found nothing out. */
  readonly attempts: number;
}

export interface FindingToStore {
  readonly connectionUid: string;
  /** The revision that was verified. */
  readonly revision: number;
  readonly finding: Finding;
  /** What it changes in what is known of who else is let in; absent for what does not apply. */
  readonly protection?: ProtectionChange;
  /** Slug; empty for the platform runner. */
  readonly runner: string;
  /** Absent where the schedule stays as it is. It stays too where the connection has a later revision by now. */
  readonly next: NextCheck | undefined;
}

/**
 * Stores what was found out. Of several that end at about the same time the one that ends last stays, by the database's clock; the
 * times are taken once the row is locked.
 *
 * @returns the row; undefined, with nothing stored, where the connection is gone or a later revision was verified already
 */
export function storeFinding(
  tx: Transaction<ConnectTables>,
  { connectionUid, revision, finding, protection, runner, next }: FindingToStore,
): Promise<VerificationColumns | undefined> {
  const now = sql<Date>`clock_timestamp()`;
  const since = sql<Date | null>`case when v.revision = ${revision} then v.insecure_since end`;
  const insecureSince = {
    keep: since,
    begin: sql<Date | null>`coalesce(${since}, ${now})`,
    clear: sql<Date | null>`null::timestamptz`,
  };
  return tx
    .updateTable('connection_verification as v')
    .set({
      outcome: finding.outcome,
      verify_time: now,
      revision,
      message: finding.message,
      causes: jsonb<unknown>(finding.causes),
      identity: finding.identity,
      runner,
      ...(finding.outcome === 'verified' && { last_success_time: now }),
      ...(protection?.shown && { probe_time: now, probe_revision: revision }),
      insecure_since: insecureSince[protection?.insecure ?? 'keep'],
      ...(next && {
        next_verify_time: sql<Date>`case when v.current_revision = ${revision}
          then clock_timestamp() + make_interval(secs => ${next.seconds}) else v.next_verify_time end`,
        attempts: sql<number>`case when v.current_revision = ${revision} then ${next.attempts} else v.attempts end`,
      }),
    })
    .where('v.connection_uid', '=', connectionUid)
    .where((eb) => eb.or([eb('v.revision', 'is', null), eb('v.revision', '<=', revision)]))
    .returning(verificationColumns)
    .executeTakeFirst();
}

/** What is known of who else a connection lets in; undefined for one that is gone. `lock` holds the row to the end of the transaction. */
export async function findProtection(
  db: Kysely<ConnectTables>,
  connectionUid: string,
  options: { readonly lock?: boolean } = {},
): Promise<ProtectionRecord | undefined> {
  const query = db
    .selectFrom('connection_verification')
    .select(['outcome', 'revision', 'probe_time', 'probe_revision', 'insecure_since'])
    .select(sql<Date>`clock_timestamp()`.as('now'))
    .where('connection_uid', '=', connectionUid);
  const row = await (options.lock ? query.forUpdate() : query).executeTakeFirst();
  if (!row) return undefined;
  const { outcome, revision, now } = row;
  return {
    outcome,
    revision,
    probeTime: row.probe_time,
    probeRevision: row.probe_revision,
    insecureSince: row.insecure_since,
    now,
  };
}

export interface DueConnection extends ConnectionRow {
  /** Attempts in a row that found nothing out. */
  readonly attempts: number;
}

/**
 * Takes connections that are due, the longest due first, and puts off when they are due next, so that replicas do not take the same
 * ones and one whose verification dies is taken again.
 *
 * @param leaseSeconds longer than any verification takes
 */
export function claimDueConnections(
  db: Kysely<ConnectTables>,
  limit: number,
  leaseSeconds: number,
): Promise<DueConnection[]> {
  return db
    .with('due', (query) =>
      query
        .selectFrom('connection_verification')
        .select('connection_uid as uid')
        .where('next_verify_time', '<=', sql<Date>`now()`)
        .orderBy('next_verify_time')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('connection_verification as v')
    .from('due')
    .innerJoin('connection as c', 'c.uid', 'due.uid')
    .set({ next_verify_time: sql<Date>`now() + make_interval(secs => ${leaseSeconds})` })
    .whereRef('v.connection_uid', '=', 'due.uid')
    .returningAll('c')
    .returning('v.attempts')
    .execute();
}

/** Puts off a connection that could not be verified at all, unless it has changed since it was claimed. */
export async function postponeVerification(
  db: Kysely<ConnectTables>,
  connectionUid: string,
  revision: number,
  next: NextCheck,
): Promise<void> {
  await db
    .updateTable('connection_verification')
    .set({
      next_verify_time: sql<Date>`now() + make_interval(secs => ${next.seconds})`,
      attempts: next.attempts,
    })
    .where('connection_uid', '=', connectionUid)
    .where('current_revision', '=', revision)
    .execute();
}
