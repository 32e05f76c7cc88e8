import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import { AuditOutcome, type AuditRecordSchema } from '@planton/api/common/v1/audit';
import type { Database } from '@planton/database';
import {
  type AuditOutcomeName,
  auditMessage,
  encodePageToken,
  numberPosition,
  pageSizeOf,
} from '@planton/rpc';
import type { AuditTables } from '../tables.ts';
import { trailOf } from '../trail-deps.ts';
import { type AuditFilter, listRecords } from './record-store.ts';

/** What every service's request to list records holds. */
export interface ListRequest {
  readonly instance: boolean;
  readonly pageSize: number;
  readonly pageToken: string;
  readonly action: string;
  readonly resourceSlug: string;
  readonly actorUid: string;
  readonly requestId: string;
  readonly outcome: AuditOutcome;
  readonly since?: Timestamp | undefined;
  readonly until?: Timestamp | undefined;
}

export interface ListResponse {
  readonly records: MessageInitShape<typeof AuditRecordSchema>[];
  readonly nextPageToken: string;
}

const outcomes: Readonly<Record<AuditOutcome, AuditOutcomeName | undefined>> = {
  [AuditOutcome.UNSPECIFIED]: undefined,
  [AuditOutcome.SUCCEEDED]: 'succeeded',
  [AuditOutcome.DENIED]: 'denied',
  [AuditOutcome.FAILED]: 'failed',
};

/** Lists the records of the caller's organisation, or of the instance for its owner, newest first. */
export function listAuditRecords({
  database,
  service,
}: {
  readonly database: Database<AuditTables>;
  readonly service: string;
}) {
  return async (request: ListRequest, context: HandlerContext): Promise<ListResponse> => {
    const filter: AuditFilter = {
      organizationUid: trailOf({ service }, request, context).organization_uid,
      action: request.action,
      resourceSlug: request.resourceSlug,
      actorUid: request.actorUid,
      requestId: request.requestId,
      outcome: outcomes[request.outcome],
      since: request.since && timestampDate(request.since),
      until: request.until && timestampDate(request.until),
    };
    const query = JSON.stringify(['audit', filter]);
    const before = numberPosition(request.pageToken, query);
    const size = pageSizeOf(request.pageSize);
    const rows = await listRecords(database.query, filter, before, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      records: page.map((row) => auditMessage(service, row)),
      nextPageToken: rows.length > size && last ? encodePageToken([String(last.sequence)], query) : '',
    };
  };
}
