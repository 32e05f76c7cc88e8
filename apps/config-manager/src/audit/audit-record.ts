import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AuditOutcome, type AuditRecord, AuditRecordSchema } from '@planton/api/common/v1/audit';
import type { Caller } from '@planton/rpc';
import type { Selectable } from 'kysely';
import type { AuditOutcomeName, AuditRecordTable } from '../schema.ts';

/** One thing that somebody did to an object. Nothing in it may be a value. */
export interface AuditEvent {
  /** Such as `secret.access`. */
  readonly action: string;
  readonly resource: { readonly kind: string; readonly uid: string; readonly slug: string };
  /** Slug of the environment, empty for the organisation level. */
  readonly environment?: string;
  readonly version?: number;
  readonly purpose?: string;
  readonly outcome?: AuditOutcomeName;
  readonly details?: Readonly<Record<string, string>>;
}

/** Who did it, in the columns of the trail. */
export function actorColumns({ subject, via, requestId, peerAddress }: Caller) {
  return {
    actor_uid: subject.uid,
    actor_name: subject.name,
    via_service: via ?? '',
    api_key_uid: subject.apiKeyUid ?? '',
    request_id: requestId,
    peer_address: peerAddress,
  };
}

const outcomes: Readonly<Record<AuditOutcomeName, AuditOutcome>> = {
  succeeded: AuditOutcome.SUCCEEDED,
  denied: AuditOutcome.DENIED,
  failed: AuditOutcome.FAILED,
};

/** Tolerates what it does not know: one odd row never fails a list. */
export function auditRecordMessage(row: Selectable<AuditRecordTable>): AuditRecord {
  return create(AuditRecordSchema, {
    uid: row.uid,
    recordTime: timestampFromDate(row.record_time),
    service: 'config-manager',
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
    details: Object.fromEntries(
      Object.entries(Object(row.details)).filter(
        (entry): entry is [string, string] => typeof entry[1] === 'string',
      ),
    ),
    peerAddress: row.peer_address,
  });
}
