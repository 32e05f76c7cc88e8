import { checkSeal, emptyHead, type Finding, headOf, type TrailHead, type TrailName } from '@planton/audit';
import type { Kysely } from 'kysely';
import { countUnsealed, selectStrays } from '../records/record-store.ts';
import type { AuditTables } from '../tables.ts';
import { readSeals, type SealWithRecords } from './read-seals.ts';
import { selectSeals } from './seal-store.ts';

const MOST_FINDINGS = 1_000;

export interface TrailCheckpoint {
  readonly seal_number: number;
  readonly seal_hash: Uint8Array;
}

export interface VerifiedPart {
  readonly findings: readonly Finding[];
  readonly sealCount: number;
  readonly recordCount: number;
  readonly publicKeys: readonly Uint8Array[];
  /** Where the next part begins; undefined after the last one. */
  readonly next: number | undefined;
  /** The last seal of the part. */
  readonly head: TrailHead;
  /** On the last part. */
  readonly unsealedCount: number;
}

/**
 * Checks the part of a trail after seal `after`. Call it in a transaction that sees one state throughout.
 *
 * @param checkpoint a seal that the trail has to hold
 */
export async function verifyPart(
  tx: Kysely<AuditTables>,
  trail: TrailName,
  after: number,
  checkpoint: TrailCheckpoint | undefined,
  isTrusted: (publicKey: Uint8Array) => boolean,
): Promise<VerifiedPart> {
  const before = after === 0 ? emptyHead : await readHead(tx, trail, after);
  const { seals, orphans, isLast } = await readSeals(tx, trail, { after });
  const chain = checkChain(trail, before, after, seals, isTrusted);
  const last = seals.at(-1)?.seal.number ?? after;
  const strays = isLast ? await selectStrays(tx, trail.organization_uid, last, MOST_FINDINGS) : [];
  const findings = [
    ...chain,
    ...orphans.map(({ record, sealNumber }) => stray(record.uid, sealNumber)),
    ...strays.map(({ uid, seal_number }) => stray(uid, seal_number)),
    ...checkCheckpoint(seals, after, last, isLast, checkpoint),
  ];
  const lastSeal = seals.at(-1)?.seal;
  return {
    findings: findings.slice(0, MOST_FINDINGS),
    sealCount: seals.length,
    recordCount: seals.reduce((sum, { records }) => sum + records.length, 0),
    publicKeys: seals.map(({ seal }) => seal.public_key),
    next: isLast ? undefined : last,
    head: lastSeal ? headOf(lastSeal) : (before ?? emptyHead),
    unsealedCount: isLast ? await countUnsealed(tx, trail.organization_uid) : 0,
  };
}

function checkChain(
  trail: TrailName,
  before: TrailHead | undefined,
  after: number,
  seals: readonly SealWithRecords[],
  isTrusted: (publicKey: Uint8Array) => boolean,
): Finding[] {
  let previous = before;
  let expected = after + 1;
  return seals.flatMap(({ seal, entries, records }) => {
    const gap = gapFinding(expected, seal.number);
    const found = checkSeal({
      trail,
      previous: gap.length > 0 ? undefined : previous,
      seal,
      entries,
      records: records.map(({ record }) => record),
      isTrusted,
    });
    previous = headOf(seal);
    expected = seal.number + 1;
    return [...gap, ...found];
  });
}

function gapFinding(expected: number, found: number): Finding[] {
  if (expected === found) return [];
  const message =
    found - expected === 1 ? `seal ${expected} is missing` : `seals ${expected} to ${found - 1} are missing`;
  return [{ kind: 'seal_removed', seal_number: expected, record_uid: '', message }];
}

function stray(uid: string, sealNumber: number | null): Finding {
  const message = `record ${uid} states seal ${sealNumber}, which is not there`;
  return { kind: 'record_inserted', seal_number: sealNumber ?? 0, record_uid: uid, message };
}

function checkCheckpoint(
  seals: readonly SealWithRecords[],
  after: number,
  last: number,
  isLast: boolean,
  checkpoint: TrailCheckpoint | undefined,
): Finding[] {
  if (checkpoint === undefined || checkpoint.seal_number <= after) return [];
  const number = checkpoint.seal_number;
  if (number > last && !isLast) return [];
  const found = seals.find(({ seal }) => seal.number === number);
  if (found && Buffer.compare(headOf(found.seal).hash, checkpoint.seal_hash) === 0) return [];
  const message = found
    ? `seal ${number} is not the one that the checkpoint was signed for`
    : `the checkpoint is of seal ${number} and the trail ends at ${last}: it was cut, or the database was set back`;
  return [{ kind: 'checkpoint_unmet', seal_number: number, record_uid: '', message }];
}

async function readHead(
  tx: Kysely<AuditTables>,
  trail: TrailName,
  number: number,
): Promise<TrailHead | undefined> {
  const [found] = await selectSeals(tx, trail, { after: number - 1, last: number }, 1);
  return found && headOf(found.seal);
}
