import { isSignedBy, keyIdOf } from '../keys/signing-key.ts';
import { hashRecord, type TrailRecord } from '../records/encode-record.ts';
import { merkleRoot, type SealEntry } from './merkle-root.ts';
import { type AuditSeal, encodeSeal, hashSeal, type TrailHead, type TrailName } from './seal.ts';

export type FindingKind =
  | 'record_changed'
  | 'record_removed'
  | 'record_inserted'
  | 'seal_changed'
  | 'seal_removed'
  | 'seal_signature_wrong'
  | 'checkpoint_unmet';

/** Damage, and where it is. */
export interface Finding {
  readonly kind: FindingKind;
  /** 0 where no seal is concerned. */
  readonly seal_number: number;
  /** '' where no record is concerned. */
  readonly record_uid: string;
  readonly message: string;
}

export interface SealCheck {
  readonly trail: TrailName;
  /** What the seal has to follow; undefined where the one before is missing, which is a finding of its own. */
  readonly previous: TrailHead | undefined;
  readonly seal: AuditSeal;
  /** What the seal lists; undefined where that cannot be read. */
  readonly entries: readonly SealEntry[] | undefined;
  /** Every record that stands under the seal, in any order. */
  readonly records: readonly TrailRecord[];
  /** Whether a public key is one that seals may be signed with. */
  readonly isTrusted: (publicKey: Uint8Array) => boolean;
}

/** Compares a seal with what it has to follow and with the records under it. No findings mean that nothing was touched. */
export function checkSeal(check: SealCheck): Finding[] {
  return [...checkBody(check), ...checkSignature(check), ...checkRecords(check)];
}

function checkBody({ trail, previous, seal, entries }: SealCheck): Finding[] {
  const changed = (message: string): Finding[] => [
    {
      kind: 'seal_changed',
      seal_number: seal.number,
      record_uid: '',
      message: `seal ${seal.number} ${message}`,
    },
  ];
  if (seal.service !== trail.service || seal.organization_uid !== trail.organization_uid) {
    return changed('belongs to another trail');
  }
  if (!same(hashSeal(seal), seal.hash)) return changed('does not have the hash that it states');
  if (previous !== undefined && seal.number !== previous.number + 1) {
    return changed(`does not follow seal ${previous.number}`);
  }
  if (previous !== undefined && !same(seal.previous_hash, previous.hash)) {
    return changed('does not state the hash of the seal before it');
  }
  if (previous !== undefined && seal.total_count !== previous.total_count + seal.record_count) {
    return changed('counts its records wrongly');
  }
  if (entries === undefined || entries.length !== seal.record_count) {
    return changed('does not list as many records as it states');
  }
  if (entries.length === 0 || !same(merkleRoot(entries), seal.root)) {
    return changed('lists other records than those that it was made over');
  }
  return [];
}

function checkSignature({ seal, isTrusted }: SealCheck): Finding[] {
  const wrong = (message: string): Finding[] => [
    { kind: 'seal_signature_wrong', seal_number: seal.number, record_uid: '', message },
  ];
  if (keyIdOf(seal.public_key) !== seal.key_id) {
    return wrong(`seal ${seal.number} states key ${seal.key_id} and holds another one`);
  }
  if (!isSignedBy(seal.public_key, encodeSeal(seal), seal.signature)) {
    return wrong(`seal ${seal.number} does not have the signature of its key ${seal.key_id}`);
  }
  if (!isTrusted(seal.public_key)) {
    return wrong(`seal ${seal.number} is signed with key ${seal.key_id}, which is not a trusted one`);
  }
  return [];
}

function checkRecords({ seal, entries, records }: SealCheck): Finding[] {
  if (entries === undefined) return [];
  const { number } = seal;
  const finding = (kind: FindingKind, uid: string, message: string): Finding => ({
    kind,
    seal_number: number,
    record_uid: uid,
    message: `record ${uid} ${message}`,
  });
  const found = new Map<string, TrailRecord[]>();
  for (const record of records) found.set(record.uid, [...(found.get(record.uid) ?? []), record]);
  const listed = entries.flatMap(({ uid, hash }) => {
    const [record, ...doubles] = found.get(uid) ?? [];
    found.delete(uid);
    if (record === undefined) return [finding('record_removed', uid, `is missing under seal ${number}`)];
    const extra = doubles.map(() => finding('record_inserted', uid, `stands twice under seal ${number}`));
    if (same(hashOf(record), hash)) return extra;
    return [finding('record_changed', uid, `is not as it was when seal ${number} was made`), ...extra];
  });
  const strangers = [...found.keys()].map((uid) =>
    finding('record_inserted', uid, `stands under seal ${number}, which does not list it`),
  );
  return [...listed, ...strangers];
}

/** What cannot be encoded is not what was sealed. */
function hashOf(record: TrailRecord): Uint8Array {
  try {
    return hashRecord(record);
  } catch {
    return new Uint8Array();
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
