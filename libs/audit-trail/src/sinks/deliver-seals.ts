import { recordLine, sealLine } from '@planton/audit';
import type { Database } from '@planton/database';
import type { Kysely } from 'kysely';
import { selectSealed } from '../records/record-store.ts';
import { type StoredSeal, selectLastPosition, selectSealsByPosition } from '../seals/seal-store.ts';
import type { AuditTables } from '../tables.ts';
import type { Sink } from './parse-sink.ts';
import type { SendLines } from './send-lines.ts';
import { noteDelivered, takeSink } from './sink-store.ts';

/** Records and seals in one delivery at most, beyond the first seal. */
const LARGEST_DELIVERY = 1_000;
const MOST_SEALS = 100;

export interface Delivery {
  readonly database: Database<AuditTables>;
  readonly service: string;
  readonly sink: Sink;
  readonly owner: string;
  /** Longer than a delivery may take. */
  readonly leaseMs: number;
  readonly send: SendLines;
  readonly signal: AbortSignal;
}

/**
 * Delivers the next seals with their records, in the order in which they were committed. Nothing is noted as delivered before the sink has
 * taken it, so after a failure it is delivered again.
 *
 * @returns whether something was delivered; rejects where the sink did not take it
 */
export async function deliverSeals(delivery: Delivery): Promise<boolean> {
  const { database, service, sink, owner, leaseMs, send, signal } = delivery;
  const after = await takeSink(database.query, sink.name, owner, leaseMs);
  if (after === undefined) return false;
  const found = await selectSealsByPosition(database.query, service, after, MOST_SEALS);
  const seals = fitting(found);
  const position = seals.at(-1)?.position;
  if (position === undefined) return false;
  const texts: string[] = [];
  for (const stored of seals) texts.push(...(await linesOf(database.query, service, stored)));
  await send({ service, position, body: texts.map((text) => `${text}\n`).join('') }, signal);
  return noteDelivered(database.query, sink.name, owner, position);
}

/** How many seals a sink has before it. */
export async function lagOf({ database, sink, owner, leaseMs }: Delivery): Promise<number | undefined> {
  const position = await takeSink(database.query, sink.name, owner, leaseMs);
  return position === undefined ? undefined : (await selectLastPosition(database.query)) - position;
}

function fitting(found: readonly StoredSeal[]): StoredSeal[] {
  let lines = 0;
  return found.filter(({ entries }, index) => {
    lines += 1 + (entries?.length ?? 0);
    return index === 0 || lines <= LARGEST_DELIVERY;
  });
}

async function linesOf(
  db: Kysely<AuditTables>,
  service: string,
  { seal, entries = [] }: StoredSeal,
): Promise<string[]> {
  const trail = { service, organization_uid: seal.organization_uid };
  const range = { first: seal.number, last: seal.number };
  const records = await selectSealed(db, trail, range, entries.length);
  return [...records.map(({ record }) => recordLine(record, seal.number)), sealLine(seal)];
}
