import type { TrailRecord } from '../records/encode-record.ts';
import { checkSeal, type Finding, type FindingKind } from '../seals/check-seal.ts';
import { type Checkpoint, isCheckpointSigned } from '../seals/checkpoint.ts';
import { type AuditSeal, emptyHead, headOf, type TrailHead, type TrailName } from '../seals/seal.ts';
import { parseLine } from './parse-line.ts';

/** A finding in a file, with the line that it was found at. */
export interface FileFinding extends Finding {
  readonly service: string;
  readonly line: number;
}

export interface FileReport {
  readonly findings: readonly FileFinding[];
  readonly records: number;
  readonly seals: number;
  readonly checkpoints: readonly Checkpoint[];
  /** Key ids of everything that is signed. */
  readonly keyIds: readonly string[];
}

/** A seal holds at most this many records: more before a seal are not kept in memory. */
const LARGEST_SEAL = 100_000;
const MOST_FINDINGS = 1_000;

interface Section {
  readonly trail: TrailName;
  first: number;
  head: TrailHead | undefined;
  pending: { readonly record: TrailRecord; readonly hash: Uint8Array; readonly seal: number }[];
}

/**
 * Checks that an exported file is as it was written, without a server: every record is under its seal, the seals of a trail follow each
 * other, and each trail ends with a checkpoint that covers all of it from its first to its last seal. Reads one seal at a time.
 *
 * @param isTrusted whether a public key may have signed it
 */
export async function verifyLines(
  lines: AsyncIterable<string> | Iterable<string>,
  isTrusted: (publicKey: Uint8Array) => boolean,
): Promise<FileReport> {
  const findings: FileFinding[] = [];
  const checkpoints: Checkpoint[] = [];
  const keyIds = new Set<string>();
  const seen = new Set<string>();
  let counts = { records: 0, seals: 0 };
  let section: Section | undefined;
  let line = 0;

  const add = (service: string, more: readonly Finding[]) => {
    for (const finding of more)
      if (findings.length < MOST_FINDINGS) findings.push({ ...finding, service, line });
  };
  const damage = (service: string, kind: FindingKind, message: string, sealNumber = 0, uid = '') =>
    add(service, [{ kind, seal_number: sealNumber, record_uid: uid, message }]);
  const enter = (trail: TrailName): Section => {
    if (
      section &&
      section.trail.service === trail.service &&
      section.trail.organization_uid === trail.organization_uid
    ) {
      return section;
    }
    leave();
    const name = `${trail.service} ${trail.organization_uid}`;
    if (seen.has(name))
      damage(trail.service, 'seal_changed', `the trail of ${trail.service} stands in two places`);
    seen.add(name);
    section = {
      trail: { service: trail.service, organization_uid: trail.organization_uid },
      first: 0,
      head: undefined,
      pending: [],
    };
    return section;
  };
  /** A section ends with its checkpoint; one that does not was cut. */
  const leave = () => {
    if (!section) return;
    damage(
      section.trail.service,
      'checkpoint_unmet',
      `the trail of ${section.trail.service} does not end with a checkpoint`,
    );
    section = undefined;
  };
  const takeSeal = (seal: AuditSeal) => {
    const at = enter(seal);
    const isFirst = at.first === 0;
    if (isFirst) at.first = seal.number;
    const previous = isFirst && seal.number !== 1 ? undefined : (at.head ?? emptyHead);
    const records = at.pending.map(({ record }) => record);
    const entries = at.pending.map(({ record, hash }) => ({ uid: record.uid, hash }));
    for (const { record, seal: stated } of at.pending) {
      if (stated === seal.number) continue;
      const message = `record ${record.uid} states another seal`;
      damage(seal.service, 'record_changed', message, seal.number, record.uid);
    }
    add(seal.service, checkSeal({ trail: at.trail, previous, seal, entries, records, isTrusted }));
    keyIds.add(seal.key_id);
    at.head = headOf(seal);
    at.pending = [];
    counts = { ...counts, seals: counts.seals + 1 };
  };
  const takeCheckpoint = (checkpoint: Checkpoint) => {
    const at = enter(checkpoint);
    const { service, seal_number: number } = checkpoint;
    const head = at.head ?? emptyHead;
    keyIds.add(checkpoint.key_id);
    checkpoints.push(checkpoint);
    for (const { record } of at.pending)
      damage(service, 'record_inserted', `record ${record.uid} is under no seal`, 0, record.uid);
    if (!isCheckpointSigned(checkpoint) || !isTrusted(checkpoint.public_key)) {
      damage(
        service,
        'seal_signature_wrong',
        `the checkpoint of ${service} is not signed with a trusted key`,
        number,
      );
    }
    const isMet =
      head.number === number &&
      Buffer.compare(head.hash, checkpoint.seal_hash) === 0 &&
      head.total_count === checkpoint.record_count &&
      at.first === checkpoint.first_seal;
    if (!isMet) {
      damage(
        service,
        'checkpoint_unmet',
        `the seals of ${service} are not those that its checkpoint was signed for`,
        number,
      );
    }
    section = undefined;
  };

  for await (const text of lines) {
    line += 1;
    if (text === '') continue;
    try {
      const parsed = parseLine(text);
      if (parsed.type === 'seal') takeSeal(parsed.seal);
      else if (parsed.type === 'checkpoint') takeCheckpoint(parsed.checkpoint);
      else {
        const at = enter(parsed.record);
        counts = { ...counts, records: counts.records + 1 };
        if (at.pending.length < LARGEST_SEAL) at.pending.push(parsed);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      damage(section?.trail.service ?? '', 'record_changed', `line ${line} ${error.message}`);
    }
  }
  leave();
  if (checkpoints.length === 0)
    damage('', 'checkpoint_unmet', 'the file holds no checkpoint: it was cut, or is no export');
  return { findings, ...counts, checkpoints, keyIds: [...keyIds] };
}
