import type { TrailName } from '@planton/audit';
import type { Kysely } from 'kysely';
import { type StoredRecord, selectSealed } from '../records/record-store.ts';
import type { AuditTables } from '../tables.ts';
import { type StoredSeal, selectSeals } from './seal-store.ts';

/** A seal with every record that says it is under it. */
export interface SealWithRecords extends StoredSeal {
  readonly records: readonly StoredRecord[];
}

export interface SealPage {
  readonly seals: readonly SealWithRecords[];
  /** Records that say they are under a seal which is missing between these. */
  readonly orphans: readonly StoredRecord[];
  /** Whether these are the last ones. */
  readonly isLast: boolean;
}

const MOST_SEALS = 100;
const MOST_RECORDS = 2_000;
/** Records that a seal may have beyond those that it lists, before the rest is left out. */
const MOST_STRANGERS = 1_000;

/** Reads a part of a trail that fits into memory whatever the table holds: some seals, at least one where there is one, with their records. */
export async function readSeals(
  tx: Kysely<AuditTables>,
  trail: TrailName,
  range: { readonly after: number; readonly last?: number },
): Promise<SealPage> {
  const found = await selectSeals(tx, trail, range, MOST_SEALS + 1);
  const seals = fitting(found);
  const last = seals.at(-1)?.seal.number;
  if (last === undefined) return { seals: [], orphans: [], isLast: true };
  const expected = seals.reduce((sum, { entries }) => sum + (entries?.length ?? 0), 0);
  const most = expected + MOST_STRANGERS;
  const together = await selectSealed(tx, trail, { first: range.after + 1, last }, most);
  // So many that some were left out: then each seal by itself, so that strangers under one do not hide the records of another.
  const records = together.length < most ? together : await readEach(tx, trail, seals);
  const bySeal = Map.groupBy(records, ({ sealNumber }) => sealNumber);
  const numbers = new Set(seals.map(({ seal }) => seal.number));
  return {
    seals: seals.map((stored) => ({ ...stored, records: bySeal.get(stored.seal.number) ?? [] })),
    orphans: records.filter(({ sealNumber }) => sealNumber === null || !numbers.has(sealNumber)),
    isLast: found.length === seals.length,
  };
}

function fitting(found: readonly StoredSeal[]): StoredSeal[] {
  let records = 0;
  return found.slice(0, MOST_SEALS).filter(({ entries }, index) => {
    records += Math.max(1, entries?.length ?? 1);
    return index === 0 || records <= MOST_RECORDS;
  });
}

async function readEach(
  tx: Kysely<AuditTables>,
  trail: TrailName,
  seals: readonly StoredSeal[],
): Promise<StoredRecord[]> {
  const all: StoredRecord[] = [];
  for (const { seal, entries } of seals) {
    const range = { first: seal.number, last: seal.number };
    all.push(...(await selectSealed(tx, trail, range, (entries?.length ?? 0) + 100)));
  }
  return all;
}
