import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AuditOutcome, type AuditRecordSchema } from '@planton/api/common/v1/audit';

export type AuditOutcomeName = 'succeeded' | 'denied' | 'failed';

/** A record of a service's audit trail, as each service stores it in a table of its own. */
export interface StoredAuditRecord {
  readonly uid: string;
  readonly record_time: Date;
  readonly action: string;
  readonly actor_uid: string;
  readonly actor_name: string;
  readonly via_service: string;
  readonly api_key_uid: string;
  readonly resource_kind: string;
  readonly resource_uid: string;
  readonly resource_slug: string;
  readonly environment: string;
  readonly version: number;
  readonly request_id: string;
  readonly purpose: string;
  readonly outcome: AuditOutcomeName;
  /** An object of texts. */
  readonly details: unknown;
  readonly peer_address: string;
}

const outcomes: Readonly<Record<AuditOutcomeName, AuditOutcome>> = {
  succeeded: AuditOutcome.SUCCEEDED,
  denied: AuditOutcome.DENIED,
  failed: AuditOutcome.FAILED,
};

/**
 * The record as callers see it. Tolerates what it does not know: one odd row never fails a list.
 *
 * @param service whose trail it is
 */
export function auditMessage(
  service: string,
  row: StoredAuditRecord,
): MessageInitShape<typeof AuditRecordSchema> {
  return {
    uid: row.uid,
    recordTime: timestampFromDate(row.record_time),
    service,
    action: row.action,
    actorUid: row.actor_uid,
    actorName: row.actor_name,
    viaService: row.via_service,
    apiKeyUid: row.api_key_uid,
    resourceKind: row.resource_kind,
    resourceUid: row.resource_uid,
    resourceSlug: row.resource_slug,
    environment: row.environment,
    version: row.version,
    requestId: row.request_id,
    purpose: row.purpose,
    outcome: outcomes[row.outcome] ?? AuditOutcome.UNSPECIFIED,
    details: readTexts(row.details),
    peerAddress: row.peer_address,
  };
}

function readTexts(stored: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Object(stored)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
