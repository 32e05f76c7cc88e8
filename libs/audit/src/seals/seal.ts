import { createHash } from 'node:crypto';
import type { SigningKey } from '../keys/signing-key.ts';
import { encodeFields } from '../records/encode-fields.ts';
import { hashRecord, type TrailRecord } from '../records/encode-record.ts';
import { merkleRoot, type SealEntry } from './merkle-root.ts';

/** Whose trail: each service keeps one for each organisation, and one for the instance itself, whose organisation is ''. */
export interface TrailName {
  readonly service: string;
  readonly organization_uid: string;
}

/** What a seal signs. */
export interface SealBody extends TrailName {
  /** 1, 2, … in each trail. */
  readonly number: number;
  /** Hash of the seal before; 32 zero bytes for the first. */
  readonly previous_hash: Uint8Array;
  readonly root: Uint8Array;
  /** Records under this seal, at least one. */
  readonly record_count: number;
  /** Records under this seal and all before it. */
  readonly total_count: number;
  /** When it was sealed, by the database's clock; RFC 3339 in UTC with six digits after the second. */
  readonly seal_time: string;
  readonly key_id: string;
}

export interface AuditSeal extends SealBody {
  readonly hash: Uint8Array;
  readonly public_key: Uint8Array;
  readonly signature: Uint8Array;
}

/** Where a trail stands: what the next seal follows. */
export interface TrailHead {
  readonly number: number;
  readonly hash: Uint8Array;
  readonly total_count: number;
}

export const SEAL_LABEL = 'planton.audit.seal.v1';
const HASH_BYTES = 32;

/** Where every trail begins. */
export const emptyHead: TrailHead = { number: 0, hash: new Uint8Array(HASH_BYTES), total_count: 0 };

export function encodeSeal(seal: SealBody): Buffer {
  return encodeFields([
    SEAL_LABEL,
    seal.service,
    seal.organization_uid,
    String(seal.number),
    seal.previous_hash,
    seal.root,
    String(seal.record_count),
    String(seal.total_count),
    seal.seal_time,
    seal.key_id,
  ]);
}

export function hashSeal(seal: SealBody): Buffer {
  return createHash('sha256').update(encodeSeal(seal)).digest();
}

export function entriesOf(records: readonly TrailRecord[]): SealEntry[] {
  return records.map((record) => ({ uid: record.uid, hash: hashRecord(record) }));
}

/** Seals records that follow the head of their trail. */
export function sealRecords(settings: {
  readonly trail: TrailName;
  readonly head: TrailHead;
  /** At least one, in the order that the seal fixes. */
  readonly records: readonly TrailRecord[];
  readonly time: string;
  readonly key: SigningKey;
}): { readonly seal: AuditSeal; readonly entries: readonly SealEntry[] } {
  const { trail, head, records, time, key } = settings;
  const entries = entriesOf(records);
  const body: SealBody = {
    service: trail.service,
    organization_uid: trail.organization_uid,
    number: head.number + 1,
    previous_hash: head.hash,
    root: merkleRoot(entries),
    record_count: entries.length,
    total_count: head.total_count + entries.length,
    seal_time: time,
    key_id: key.keyId,
  };
  const seal = {
    ...body,
    hash: hashSeal(body),
    public_key: key.publicKey,
    signature: key.sign(encodeSeal(body)),
  };
  return { seal, entries };
}

export function headOf(seal: SealBody): TrailHead {
  return { number: seal.number, hash: hashSeal(seal), total_count: seal.total_count };
}
