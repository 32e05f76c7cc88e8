import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type AuditCheckpointSchema,
  AuditFindingKind,
  type AuditFindingSchema,
} from '@planton/api/common/v1/audit_trail';
import { type Finding, type FindingKind, signCheckpoint } from '@planton/audit';
import { encodePageToken, numberPosition } from '@planton/rpc';
import { type TrailDeps, trailOf } from '../trail-deps.ts';
import { checkpointMessage } from './seal-message.ts';
import { readClock } from './seal-store.ts';
import { verifyPart } from './verify-trail.ts';

export interface VerifyRequest {
  readonly instance: boolean;
  readonly pageToken: string;
  readonly checkpointSealNumber: bigint;
  readonly checkpointHash: Uint8Array;
}

export interface VerifyResponse {
  readonly findings: MessageInitShape<typeof AuditFindingSchema>[];
  readonly sealCount: number;
  readonly recordCount: number;
  readonly head?: MessageInitShape<typeof AuditCheckpointSchema>;
  readonly unsealedCount: bigint;
  readonly publicKeys: Uint8Array[];
  readonly nextPageToken: string;
}

const kinds: Readonly<Record<FindingKind, AuditFindingKind>> = {
  record_changed: AuditFindingKind.RECORD_CHANGED,
  record_removed: AuditFindingKind.RECORD_REMOVED,
  record_inserted: AuditFindingKind.RECORD_INSERTED,
  seal_changed: AuditFindingKind.SEAL_CHANGED,
  seal_removed: AuditFindingKind.SEAL_REMOVED,
  seal_signature_wrong: AuditFindingKind.SEAL_SIGNATURE_WRONG,
  checkpoint_unmet: AuditFindingKind.CHECKPOINT_UNMET,
};

/** Checks a page of seals; each page sees the table as it was at one moment. */
export function verifyAuditTrail(deps: TrailDeps) {
  return async (request: VerifyRequest, context: HandlerContext): Promise<VerifyResponse> => {
    const trail = trailOf(deps, request, context);
    const query = JSON.stringify(['verify', trail]);
    const after = numberPosition(request.pageToken, query) ?? 0;
    const number = Number(request.checkpointSealNumber);
    const checkpoint = number > 0 ? { seal_number: number, seal_hash: request.checkpointHash } : undefined;
    const { part, time } = await deps.database.transact(
      async (tx) => ({
        part: await verifyPart(tx, trail, after, checkpoint, deps.isTrusted),
        time: await readClock(tx),
      }),
      { isolation: 'repeatable read', access: 'read only' },
    );
    const signs = part.next === undefined && part.findings.length === 0 && deps.key;
    return {
      findings: part.findings.map(findingMessage),
      sealCount: part.sealCount,
      recordCount: part.recordCount,
      unsealedCount: BigInt(part.unsealedCount),
      publicKeys: distinct(part.publicKeys),
      nextPageToken: part.next === undefined ? '' : encodePageToken([String(part.next)], query),
      ...(signs
        ? {
            head: checkpointMessage(
              signCheckpoint(trail, part.head, Math.min(1, part.head.number), time, signs),
            ),
          }
        : {}),
    };
  };
}

function findingMessage(finding: Finding): MessageInitShape<typeof AuditFindingSchema> {
  return {
    kind: kinds[finding.kind],
    sealNumber: BigInt(finding.seal_number),
    recordUid: finding.record_uid,
    message: finding.message,
  };
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [Buffer.from(key).toString('hex'), key])).values()];
}
