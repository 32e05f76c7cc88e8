import { AuditOutcome } from '@planton/api/common/v1/audit';
import type { AuditCheckpoint, AuditSeal, SealedAuditRecord } from '@planton/api/common/v1/audit_trail';
import { checkpointLine, formatExactTime, recordLine, sealLine, type TrailRecord } from '@planton/audit';

const outcomes: Readonly<Record<AuditOutcome, string>> = {
  [AuditOutcome.UNSPECIFIED]: '',
  [AuditOutcome.SUCCEEDED]: 'succeeded',
  [AuditOutcome.DENIED]: 'denied',
  [AuditOutcome.FAILED]: 'failed',
};

/** The lines of a part of a trail, in the order that `planton audit verify --file` reads. */
export function trailLines(part: {
  readonly seals: readonly AuditSeal[];
  readonly records: readonly SealedAuditRecord[];
  readonly checkpoint?: AuditCheckpoint | undefined;
}): string[] {
  const bySeal = Map.groupBy(part.records, ({ sealNumber }) => sealNumber);
  const lines = part.seals.flatMap((seal) => [
    ...(bySeal.get(seal.number) ?? []).map((sealed) =>
      recordLine(recordOf(sealed), Number(seal.number), sealed.hash),
    ),
    lineOfSeal(seal),
  ]);
  return part.checkpoint ? [...lines, lineOfCheckpoint(part.checkpoint)] : lines;
}

function recordOf({ record, sequence, organizationUid, detailsJson }: SealedAuditRecord): TrailRecord {
  return {
    service: record?.service ?? '',
    organization_uid: organizationUid,
    sequence: Number(sequence),
    uid: record?.uid ?? '',
    record_time: formatExactTime(record?.recordTime),
    action: record?.action ?? '',
    actor_uid: record?.actorUid ?? '',
    actor_name: record?.actorName ?? '',
    via_service: record?.viaService ?? '',
    api_key_uid: record?.apiKeyUid ?? '',
    resource_kind: record?.resourceKind ?? '',
    resource_uid: record?.resourceUid ?? '',
    resource_slug: record?.resourceSlug ?? '',
    environment: record?.environment ?? '',
    version: record?.version ?? 0,
    request_id: record?.requestId ?? '',
    purpose: record?.purpose ?? '',
    outcome: outcomes[record?.outcome ?? AuditOutcome.UNSPECIFIED] ?? '',
    peer_address: record?.peerAddress ?? '',
    details: detailsJson === '' ? (record?.details ?? {}) : detailsJson,
  };
}

function lineOfSeal(seal: AuditSeal): string {
  return sealLine({
    service: seal.service,
    organization_uid: seal.organizationUid,
    number: Number(seal.number),
    previous_hash: seal.previousHash,
    root: seal.root,
    record_count: seal.recordCount,
    total_count: Number(seal.totalCount),
    seal_time: formatExactTime(seal.sealTime),
    key_id: seal.keyId,
    hash: seal.hash,
    public_key: seal.publicKey,
    signature: seal.signature,
  });
}

function lineOfCheckpoint(checkpoint: AuditCheckpoint): string {
  return checkpointLine({
    service: checkpoint.service,
    organization_uid: checkpoint.organizationUid,
    first_seal: Number(checkpoint.firstSeal),
    seal_number: Number(checkpoint.sealNumber),
    seal_hash: checkpoint.sealHash,
    record_count: Number(checkpoint.recordCount),
    time: checkpoint.time,
    key_id: checkpoint.keyId,
    public_key: checkpoint.publicKey,
    signature: checkpoint.signature,
  });
}
