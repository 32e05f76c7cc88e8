import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import { AuditOutcome, type AuditRecordSchema } from '@planton/api/common/v1/audit';
import type {
  ListAuditRecordsRequest,
  ListAuditRecordsResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { encodePageToken, organizationCallerOf, pageSizeOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { numberPosition } from '../paging/page-position.ts';
import type { AuditOutcomeName } from '../schema.ts';
import { type AuditFilter, type AuditRow, listAuditRows } from './audit-store.ts';

const outcomes: Readonly<Record<AuditOutcomeName, AuditOutcome>> = {
  succeeded: AuditOutcome.SUCCEEDED,
  denied: AuditOutcome.DENIED,
  failed: AuditOutcome.FAILED,
};

export function listAuditRecords({ database }: Pick<Deps, 'database'>) {
  return async (
    request: ListAuditRecordsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListAuditRecordsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const filter: AuditFilter = {
      organizationUid: organization.uid,
      action: request.action,
      resourceSlug: request.resourceSlug,
      actorUid: request.actorUid,
      since: request.since && timestampDate(request.since),
      until: request.until && timestampDate(request.until),
    };
    const query = JSON.stringify(['audit', filter]);
    const before = numberPosition(request.pageToken, query);
    const size = pageSizeOf(request.pageSize);
    const rows = await listAuditRows(database.query, filter, before, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      records: page.map(auditMessage),
      nextPageToken: rows.length > size && last ? encodePageToken([String(last.sequence)], query) : '',
    };
  };
}

function auditMessage(row: AuditRow): MessageInitShape<typeof AuditRecordSchema> {
  return {
    uid: row.uid,
    recordTime: timestampFromDate(row.record_time),
    service: 'runner-gateway',
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
    details: readDetails(row.details),
    peerAddress: row.peer_address,
  };
}

/** The text values of a stored object. */
function readDetails(stored: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(Object(stored)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
