import { takeTurn } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { RunnerTables } from '../schema.ts';
import type { TokenRow } from './token.ts';

type Db = Kysely<RunnerTables>;
type Tx = Transaction<RunnerTables>;

/** All but the hash. */
const COLUMNS = [
  'enrolment_token.uid',
  'enrolment_token.runner_uid',
  'enrolment_token.organization_uid',
  'enrolment_token.use_limit',
  'enrolment_token.use_count',
  'enrolment_token.expire_time',
  'enrolment_token.revoke_time',
  'enrolment_token.create_time',
  'enrolment_token.created_by',
  'enrolment_token.last_use_time',
] as const;

/** Whether a token can still be used. */
const isGood = sql<boolean>`(enrolment_token.revoke_time is null and enrolment_token.expire_time > now()
  and (enrolment_token.use_limit = 0 or enrolment_token.use_count < enrolment_token.use_limit))`;

export interface NewToken {
  readonly uid: string;
  readonly runnerUid: string;
  readonly organizationUid: string;
  readonly hash: Buffer;
  /** 0 for no limit. */
  readonly useLimit: number;
  readonly lifetimeSeconds: number;
  readonly by: string;
}

export function insertToken(tx: Tx, token: NewToken): Promise<TokenRow> {
  return tx
    .insertInto('enrolment_token')
    .values({
      uid: token.uid,
      runner_uid: token.runnerUid,
      organization_uid: token.organizationUid,
      hash: token.hash,
      use_limit: token.useLimit,
      expire_time: sql<Date>`now() + make_interval(secs => ${token.lifetimeSeconds})`,
      created_by: token.by,
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

/** How many tokens of the runner can still be used, with this transaction's, while nobody else makes one for it. */
export async function countGoodTokensInTurn(tx: Tx, runnerUid: string): Promise<number> {
  await takeTurn(tx, `runner tokens ${runnerUid}`);
  const { count } = await tx
    .selectFrom('enrolment_token')
    .select(sql<number>`count(*)`.as('count'))
    .where('runner_uid', '=', runnerUid)
    .where(isGood)
    .executeTakeFirstOrThrow();
  return count;
}

/** Where a page of tokens starts: behind the token with these two. */
export interface TokenPosition {
  /** Microseconds since the epoch. */
  readonly createTime: number;
  readonly uid: string;
}

const createMicros = sql<number>`(extract(epoch from enrolment_token.create_time) * 1000000)::bigint`;

/** Newest first. */
export function listTokens(
  db: Db,
  runnerUid: string,
  after: TokenPosition | undefined,
  limit: number,
): Promise<(TokenRow & { readonly create_micros: number })[]> {
  let query = db
    .selectFrom('enrolment_token')
    .select(COLUMNS)
    .select(createMicros.as('create_micros'))
    .where('runner_uid', '=', runnerUid);
  if (after) {
    query = query.where(
      sql<boolean>`(${createMicros}, enrolment_token.uid) < (${after.createTime}, ${after.uid})`,
    );
  }
  return query
    .orderBy('enrolment_token.create_time', 'desc')
    .orderBy('enrolment_token.uid', 'desc')
    .limit(limit)
    .execute();
}

/** Locks a token of the organisation; undefined where there is none. */
export function lockToken(
  tx: Tx,
  organizationUid: string,
  uid: string,
): Promise<(TokenRow & { readonly runner_slug: string }) | undefined> {
  return tx
    .selectFrom('enrolment_token')
    .innerJoin('runner', 'runner.uid', 'enrolment_token.runner_uid')
    .select(COLUMNS)
    .select('runner.slug as runner_slug')
    .where('enrolment_token.organization_uid', '=', organizationUid)
    .where('enrolment_token.uid', '=', uid)
    .forUpdate('enrolment_token')
    .executeTakeFirst();
}

/** Makes a locked token useless. */
export async function revokeTokenRow(tx: Tx, uid: string): Promise<TokenRow> {
  return tx
    .updateTable('enrolment_token')
    .set({ revoke_time: sql<Date>`now()` })
    .where('uid', '=', uid)
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
}

/** A token that can be used, with its runner. */
export interface GoodToken {
  readonly uid: string;
  readonly runner_uid: string;
  readonly organization_uid: string;
  readonly organization_slug: string;
  readonly slug: string;
}

/** Looks whether a token can be used, without using it. */
export function findGoodToken(db: Db, hash: Buffer): Promise<GoodToken | undefined> {
  return db
    .selectFrom('enrolment_token')
    .innerJoin('runner', 'runner.uid', 'enrolment_token.runner_uid')
    .select([
      'enrolment_token.uid',
      'enrolment_token.runner_uid',
      'runner.organization_uid',
      'runner.organization_slug',
      'runner.slug',
    ])
    .where('enrolment_token.hash', '=', hash)
    .where('runner.revoke_time', 'is', null)
    .where(isGood)
    .executeTakeFirst();
}

/** Uses a token once. In one statement, which waits for others that use it: false where it cannot be used any more. */
export async function useToken(tx: Tx, hash: Buffer): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('enrolment_token')
    .set((eb) => ({ use_count: eb('use_count', '+', 1), last_use_time: sql<Date>`now()` }))
    .where('hash', '=', hash)
    .where(isGood)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('runner')
          .select('runner.uid')
          .whereRef('runner.uid', '=', 'enrolment_token.runner_uid')
          .where('runner.revoke_time', 'is', null),
      ),
    )
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Forgets the tokens of a runner that have expired. */
export async function dropExpiredTokens(db: Db, runnerUid: string): Promise<void> {
  await db
    .deleteFrom('enrolment_token')
    .where('runner_uid', '=', runnerUid)
    .where('expire_time', '<', sql<Date>`now()`)
    .execute();
}
