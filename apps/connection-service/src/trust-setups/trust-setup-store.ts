import { jsonb, takeTurn } from '@planton/database';
import { type Insertable, type Kysely, sql, type Transaction } from 'kysely';
import type { ConnectTables, TrustSetupStateName, TrustSetupTable, TrustSetupWaitName } from '../schema.ts';
import type { Cause } from '../verification/verification.ts';
import type { Mark, Marks } from './decide-next.ts';
import type { TrustSetup } from './trust-setup.ts';

type Db = Kysely<ConnectTables>;
type Tx = Transaction<ConnectTables>;

/** A new set-up without what the store fills in. */
export type NewTrustSetup = Omit<
  Insertable<TrustSetupTable>,
  'capabilities' | 'next_attempt_time' | 'expire_time'
> & { readonly capabilities: readonly string[] };

/** @returns undefined, with nothing written, where the connection has another open set-up */
export function insertSetup(
  tx: Tx,
  { capabilities, ...setup }: NewTrustSetup,
  { openFor, firstAttempt }: { readonly openFor: number; readonly firstAttempt: number },
): Promise<TrustSetup | undefined> {
  return tx
    .insertInto('trust_setup')
    .values({
      ...setup,
      capabilities: jsonb<unknown>(capabilities),
      next_attempt_time: fromNow(firstAttempt),
      expire_time: fromNow(openFor),
    })
    .onConflict((conflict) =>
      conflict.columns(['organization_uid', 'connection_slug']).where('end_time', 'is', null).doNothing(),
    )
    .returningAll()
    .executeTakeFirst();
}

export function findOpenSetup(
  db: Db,
  organizationUid: string,
  connectionSlug: string,
): Promise<TrustSetup | undefined> {
  return db
    .selectFrom('trust_setup')
    .selectAll()
    .where('organization_uid', '=', organizationUid)
    .where('connection_slug', '=', connectionSlug)
    .where('end_time', 'is', null)
    .executeTakeFirst();
}

export async function countOpenSetups(db: Db, organizationUid: string): Promise<number> {
  const { count } = await db
    .selectFrom('trust_setup')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('organization_uid', '=', organizationUid)
    .where('end_time', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** With those of this transaction, while nobody else begins one in the organisation. */
export async function countOpenSetupsInTurn(tx: Tx, organizationUid: string): Promise<number> {
  await takeTurn(tx, `connect setups ${organizationUid}`);
  return countOpenSetups(tx, organizationUid);
}

export function findSetup(db: Db, organizationUid: string, uid: string): Promise<TrustSetup | undefined> {
  return db
    .selectFrom('trust_setup')
    .selectAll()
    .where('organization_uid', '=', organizationUid)
    .where('uid', '=', uid)
    .executeTakeFirst();
}

/** The newest set-up of a connection, by the slug or the name of the connection. */
export function findNewestSetup(
  db: Db,
  organizationUid: string,
  connection: string,
): Promise<TrustSetup | undefined> {
  return db
    .selectFrom('trust_setup')
    .selectAll()
    .where('organization_uid', '=', organizationUid)
    .where((eb) => eb.or([eb('connection_slug', '=', connection), eb('connection_name', '=', connection)]))
    .orderBy('create_time', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** Tokens of one set-up at most: each time that its link is asked for again makes one. */
const MOST_TOKENS = 10;

/** Adds a token, and forgets the oldest where there are too many. */
export async function addToken(tx: Tx, setupUid: string, tokenHash: Buffer): Promise<void> {
  await tx.insertInto('trust_setup_token').values({ token_hash: tokenHash, setup_uid: setupUid }).execute();
  await tx
    .deleteFrom('trust_setup_token')
    .where('setup_uid', '=', setupUid)
    .where('token_hash', 'not in', (eb) =>
      eb
        .selectFrom('trust_setup_token as t')
        .select('t.token_hash')
        .where('t.setup_uid', '=', setupUid)
        .orderBy('t.create_time', 'desc')
        .limit(MOST_TOKENS),
    )
    .execute();
}

/** The set-up that a token is for, whatever has become of it. */
export function findSetupByToken(db: Db, tokenHash: Buffer): Promise<TrustSetup | undefined> {
  return db
    .selectFrom('trust_setup_token as t')
    .innerJoin('trust_setup as s', 's.uid', 't.setup_uid')
    .selectAll('s')
    .where('t.token_hash', '=', tokenHash)
    .executeTakeFirst();
}

/** What a callback claims. Nothing of it is believed. */
export interface Claim {
  readonly hash: Buffer;
  readonly roleArn: string;
  readonly stackId: string;
}

/**
 * Takes down the first claim of an open set-up, and makes an attempt due at once.
 *
 * @returns whether it was taken down; false where there was another before, or the set-up is not open any more
 */
export async function claimSetup(db: Db, uid: string, claim: Claim): Promise<boolean> {
  const claimed = await db
    .updateTable('trust_setup')
    .set({
      claim_hash: claim.hash,
      claim_time: sql<Date>`now()`,
      claimed_role_arn: claim.roleArn,
      claimed_stack_id: claim.stackId,
      external_id_edited: false,
      state: 'verifying',
      wait: 'propagation',
      message: 'the stack has called back; the platform verifies the role',
      causes: jsonb<unknown>([]),
      hints: sql<number>`hints + 1`,
      revision: sql<number>`revision + 1`,
      next_attempt_time: sql<Date>`now()`,
    })
    .where('uid', '=', uid)
    .where('claim_hash', 'is', null)
    .where('end_time', 'is', null)
    .where('expire_time', '>', sql<Date>`now()`)
    .returning('uid')
    .executeTakeFirst();
  return claimed !== undefined;
}

/** Remembers that a stack was made with another external ID than the link had. */
export async function markExternalIdEdited(db: Db, uid: string): Promise<void> {
  await db
    .updateTable('trust_setup')
    .set({
      external_id_edited: true,
      hints: sql<number>`hints + 1`,
      next_attempt_time: sql<Date>`now()`,
    })
    .where('uid', '=', uid)
    .where('external_id_edited', '=', false)
    .where('claim_hash', 'is', null)
    .where('end_time', 'is', null)
    .execute();
}

/** A set-up that is being carried on, as it was when it was claimed. */
export interface DueSetup extends TrustSetup {
  /** By the database's clock. */
  readonly now: Date;
}

/**
 * Takes set-ups that are due, one of an organisation at most, so that none takes the turns of the others, and puts off their next attempt,
 * so that replicas do not take the same ones and one whose replica dies is taken again.
 *
 * @param lease seconds, longer than an attempt takes
 */
export function claimDueSetups(db: Db, limit: number, lease: number): Promise<DueSetup[]> {
  return db
    .with('turn', (query) =>
      query
        .selectFrom('trust_setup')
        .select('uid')
        .distinctOn('organization_uid')
        .where('end_time', 'is', null)
        .where('next_attempt_time', '<=', sql<Date>`now()`)
        .orderBy('organization_uid')
        .orderBy('next_attempt_time'),
    )
    .with('due', (query) =>
      query
        .selectFrom('trust_setup')
        .select('trust_setup.uid')
        .where('trust_setup.uid', 'in', (eb) => eb.selectFrom('turn').select('turn.uid'))
        .where('end_time', 'is', null)
        .where('next_attempt_time', '<=', sql<Date>`now()`)
        .orderBy('next_attempt_time')
        .limit(limit)
        .forUpdate()
        .skipLocked(),
    )
    .updateTable('trust_setup as s')
    .from('due')
    .set({ next_attempt_time: fromNow(lease), attempts: sql<number>`s.attempts + 1` })
    .whereRef('s.uid', '=', 'due.uid')
    .returningAll('s')
    .returning(sql<Date>`now()`.as('now'))
    .execute();
}

export interface Continuation {
  readonly state: Extract<TrustSetupStateName, 'pending' | 'verifying'>;
  readonly wait: TrustSetupWaitName;
  readonly message: string;
  readonly causes: readonly Cause[];
  readonly pauseSeconds: number;
  readonly marks: Marks;
  /** Empty while it is not known. */
  readonly stackId: string;
}

/** Puts down how a claimed set-up goes on, unless it has ended or was claimed again meanwhile. */
export async function continueSetup(db: Db, setup: DueSetup, next: Continuation): Promise<void> {
  const causes = jsonb<unknown>(next.causes);
  await db
    .updateTable('trust_setup')
    .set({
      state: next.state,
      wait: next.wait,
      message: next.message,
      causes,
      ...(next.stackId !== '' && { stack_id: next.stackId }),
      worked_time: mark('worked_time', next.marks.worked),
      refused_time: mark('refused_time', next.marks.refused),
      insecure_time: mark('insecure_time', next.marks.insecure),
      // A callback that came meanwhile is worth another attempt at once.
      next_attempt_time: sql<Date>`case when hints > ${setup.hints} then now()
        else least(now() + make_interval(secs => ${next.pauseSeconds}), expire_time) end`,
      revision: sql<number>`revision + 1`,
    })
    .where('uid', '=', setup.uid)
    .where('attempts', '=', setup.attempts)
    .where('end_time', 'is', null)
    .execute();
}

export interface End {
  readonly state: Extract<TrustSetupStateName, 'completed' | 'failed' | 'expired'>;
  readonly message: string;
  readonly causes: readonly Cause[];
  /** Of a completed one: what was verified. */
  readonly verified?: { readonly roleArn: string; readonly stackId: string };
}

/**
 * Ends a set-up that is open.
 *
 * @param attempts those of the claim; absent to end it whoever carries it on
 * @returns whether it did; false where it has ended or was claimed again
 */
export async function endSetup(
  tx: Tx,
  uid: string,
  { state, message, causes, verified }: End,
  attempts?: number,
): Promise<boolean> {
  let query = tx
    .updateTable('trust_setup')
    .set({
      state,
      message,
      causes: jsonb<unknown>(causes),
      wait: 'none',
      end_time: sql<Date>`now()`,
      revision: sql<number>`revision + 1`,
      ...(verified && { role_arn: verified.roleArn, stack_id: verified.stackId }),
    })
    .where('uid', '=', uid)
    .where('end_time', 'is', null);
  if (attempts !== undefined) query = query.where('attempts', '=', attempts);
  return (await query.returning('uid').executeTakeFirst()) !== undefined;
}

function mark(column: 'worked_time' | 'refused_time' | 'insecure_time', what: Mark) {
  if (what === 'set') return sql<Date>`coalesce(${sql.ref(column)}, now())`;
  return what === 'unset' ? null : sql<Date>`${sql.ref(column)}`;
}

function fromNow(seconds: number) {
  return sql<Date>`now() + make_interval(secs => ${seconds})`;
}
