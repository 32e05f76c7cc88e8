import type { AuditSeal, SealEntry, TrailHead } from '@planton/audit';
import { type Kysely, sql } from 'kysely';
import { exactTime } from '../records/record-store.ts';
import type { AuditTables } from '../tables.ts';

/** A list of entries is cut at this many characters: a longer one was not written here, and reads as damaged. */
const LONGEST_ENTRIES = 1_000_000;

export interface StoredSeal {
  readonly seal: AuditSeal;
  /** Undefined where they cannot be read. */
  readonly entries: readonly SealEntry[] | undefined;
  readonly position: number;
}

/** Lets one replica at a time seal. Held until the transaction ends; false where another one holds it. */
export async function tryToSeal(tx: Kysely<AuditTables>, schema: string): Promise<boolean> {
  const { rows } = await sql<{
    held: boolean;
  }>`select pg_try_advisory_xact_lock(hashtextextended(${`seal audit ${schema}`}, 0)) as held`.execute(tx);
  return rows[0]?.held === true;
}

/** The database's clock, as seals state it. */
export async function readClock(db: Kysely<AuditTables>): Promise<string> {
  const { rows } = await sql<{
    time: string;
  }>`select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as time`.execute(
    db,
  );
  return rows[0]?.time ?? '';
}

/** Where each trail stands; trails without seals are left out. */
export async function selectHeads(
  db: Kysely<AuditTables>,
  organizationUids: readonly string[],
): Promise<ReadonlyMap<string, TrailHead>> {
  const rows = await db
    .selectFrom('audit_seal')
    .distinctOn('organization_uid')
    .select(['organization_uid', 'number', 'hash', 'total_count'])
    .where('organization_uid', 'in', [...organizationUids])
    .orderBy('organization_uid')
    .orderBy('number', 'desc')
    .execute();
  return new Map(rows.map(({ organization_uid, ...head }) => [organization_uid, head]));
}

export async function selectLastPosition(db: Kysely<AuditTables>): Promise<number> {
  const { last } = await db
    .selectFrom('audit_seal')
    .select(({ fn }) => fn.max('position').as('last'))
    .executeTakeFirstOrThrow();
  return last ?? 0;
}

export async function insertSeals(
  db: Kysely<AuditTables>,
  seals: readonly {
    readonly seal: AuditSeal;
    readonly entries: readonly SealEntry[];
    readonly position: number;
  }[],
): Promise<void> {
  await db
    .insertInto('audit_seal')
    .values(
      seals.map(({ seal, entries, position }) => ({
        organization_uid: seal.organization_uid,
        number: seal.number,
        position,
        previous_hash: Buffer.from(seal.previous_hash),
        root: Buffer.from(seal.root),
        record_count: seal.record_count,
        total_count: seal.total_count,
        seal_time: seal.seal_time,
        key_id: seal.key_id,
        hash: Buffer.from(seal.hash),
        public_key: Buffer.from(seal.public_key),
        signature: Buffer.from(seal.signature),
        entries: JSON.stringify(entries.map(({ uid, hash }) => [uid, Buffer.from(hash).toString('hex')])),
      })),
    )
    .execute();
}

/** Seals of a trail after a number, in their order. */
export async function selectSeals(
  db: Kysely<AuditTables>,
  trail: { readonly service: string; readonly organization_uid: string },
  range: { readonly after: number; readonly last?: number },
  limit: number,
): Promise<StoredSeal[]> {
  let query = exactly(db)
    .where('organization_uid', '=', trail.organization_uid)
    .where('number', '>', range.after);
  if (range.last !== undefined) query = query.where('number', '<=', range.last);
  const rows = await query.orderBy('number').limit(limit).execute();
  return rows.map((row) => readRow(trail.service, row));
}

/** Seals of all trails of the service after a position, in the order in which they were committed. */
export async function selectSealsByPosition(
  db: Kysely<AuditTables>,
  service: string,
  after: number,
  limit: number,
): Promise<StoredSeal[]> {
  const rows = await exactly(db).where('position', '>', after).orderBy('position').limit(limit).execute();
  return rows.map((row) => readRow(service, row));
}

/** The first and the last seal that were made in a time, and so all between them. Undefined for none. */
export async function selectRange(
  db: Kysely<AuditTables>,
  organizationUid: string,
  since: Date | undefined,
  until: Date | undefined,
): Promise<{ readonly first: number; readonly last: number } | undefined> {
  let query = db
    .selectFrom('audit_seal')
    .select(({ fn }) => [fn.min('number').as('first'), fn.max('number').as('last')])
    .where('organization_uid', '=', organizationUid);
  if (since) query = query.where('seal_time', '>=', since);
  if (until) query = query.where('seal_time', '<', until);
  const { first, last } = await query.executeTakeFirstOrThrow();
  return first === null || last === null ? undefined : { first, last };
}

function exactly(db: Kysely<AuditTables>) {
  return db
    .selectFrom('audit_seal')
    .select([
      'organization_uid',
      'number',
      'position',
      'previous_hash',
      'root',
      'record_count',
      'total_count',
      'key_id',
      'hash',
      'public_key',
      'signature',
    ])
    .select([
      exactTime('seal_time').as('time'),
      sql<string>`left(entries, ${LONGEST_ENTRIES}::integer)`.as('entry_text'),
    ]);
}

type ExactRow = Awaited<ReturnType<ReturnType<typeof exactly>['execute']>>[number];

function readRow(service: string, row: ExactRow): StoredSeal {
  const { position, time, entry_text, ...columns } = row;
  return { seal: { service, ...columns, seal_time: time }, entries: readEntries(entry_text), position };
}

function readEntries(text: string): SealEntry[] | undefined {
  try {
    const pairs: unknown = JSON.parse(text);
    if (!Array.isArray(pairs)) return undefined;
    const entries = pairs.flatMap((pair) => {
      const isPair = Array.isArray(pair) && pair.every((each) => typeof each === 'string');
      return isPair ? [{ uid: String(pair[0]), hash: Buffer.from(String(pair[1]), 'hex') }] : [];
    });
    return entries.length === pairs.length ? entries : undefined;
  } catch {
    return undefined;
  }
}
