import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import type {
  AuditCheckpointSchema,
  AuditSealSchema,
  SealedAuditRecordSchema,
} from '@planton/api/common/v1/audit_trail';
import { type AuditSeal, type Checkpoint, parseExactTime, type SealEntry } from '@planton/audit';
import { type AuditOutcomeName, auditMessage } from '@planton/rpc';
import type { StoredRecord } from '../records/record-store.ts';

export function sealMessage(seal: AuditSeal): MessageInitShape<typeof AuditSealSchema> {
  return {
    service: seal.service,
    organizationUid: seal.organization_uid,
    number: BigInt(seal.number),
    previousHash: seal.previous_hash,
    root: seal.root,
    recordCount: seal.record_count,
    totalCount: BigInt(seal.total_count),
    sealTime: parseExactTime(seal.seal_time),
    keyId: seal.key_id,
    hash: seal.hash,
    publicKey: seal.public_key,
    signature: seal.signature,
  };
}

/** The record with all that its seal covers, to the microsecond. */
export function sealedRecordMessage(
  { record, sealNumber }: StoredRecord,
  entry: SealEntry | undefined,
): MessageInitShape<typeof SealedAuditRecordSchema> {
  const { details } = record;
  const message = auditMessage(record.service, {
    ...record,
    outcome: record.outcome as AuditOutcomeName,
    record_time: new Date(0),
  });
  return {
    record: { ...message, recordTime: create(TimestampSchema, parseExactTime(record.record_time)) },
    sequence: BigInt(record.sequence),
    sealNumber: BigInt(sealNumber ?? 0),
    organizationUid: record.organization_uid,
    detailsJson: typeof details === 'string' ? details : '',
    hash: entry?.hash ?? new Uint8Array(),
  };
}

export function checkpointMessage(checkpoint: Checkpoint): MessageInitShape<typeof AuditCheckpointSchema> {
  return {
    service: checkpoint.service,
    organizationUid: checkpoint.organization_uid,
    firstSeal: BigInt(checkpoint.first_seal),
    sealNumber: BigInt(checkpoint.seal_number),
    sealHash: checkpoint.seal_hash,
    recordCount: BigInt(checkpoint.record_count),
    time: checkpoint.time,
    keyId: checkpoint.key_id,
    publicKey: checkpoint.public_key,
    signature: checkpoint.signature,
  };
}
