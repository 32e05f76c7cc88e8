import { hashRecord, recordFields, type TrailRecord } from '../records/encode-record.ts';
import type { Checkpoint } from '../seals/checkpoint.ts';
import type { AuditSeal } from '../seals/seal.ts';

/**
 * Lines of a trail as JSON, without the line end: of each seal its records first, in the seal's order, then the seal itself, and a
 * checkpoint at the end. The fields of a line are always in the same order.
 */
export function recordLine(
  record: TrailRecord,
  sealNumber: number,
  hash: Uint8Array = hashRecord(record),
): string {
  const fields = recordFields.map((name) => [name, record[name]]);
  return JSON.stringify({
    type: 'record',
    seal: sealNumber,
    ...Object.fromEntries(fields),
    details: record.details,
    hash: hex(hash),
  });
}

export function sealLine(seal: AuditSeal): string {
  return JSON.stringify({
    type: 'seal',
    service: seal.service,
    organization_uid: seal.organization_uid,
    number: seal.number,
    previous_hash: hex(seal.previous_hash),
    root: hex(seal.root),
    record_count: seal.record_count,
    total_count: seal.total_count,
    seal_time: seal.seal_time,
    key_id: seal.key_id,
    hash: hex(seal.hash),
    public_key: base64(seal.public_key),
    signature: base64(seal.signature),
  });
}

export function checkpointLine(checkpoint: Checkpoint): string {
  return JSON.stringify({
    type: 'checkpoint',
    service: checkpoint.service,
    organization_uid: checkpoint.organization_uid,
    first_seal: checkpoint.first_seal,
    seal_number: checkpoint.seal_number,
    seal_hash: hex(checkpoint.seal_hash),
    record_count: checkpoint.record_count,
    time: checkpoint.time,
    key_id: checkpoint.key_id,
    public_key: base64(checkpoint.public_key),
    signature: base64(checkpoint.signature),
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
