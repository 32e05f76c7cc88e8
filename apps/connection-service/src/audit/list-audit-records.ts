import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListAuditRecordsRequest,
  ListAuditRecordsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import {
  auditMessage,
  encodePageToken,
  numberPosition,
  organizationCallerOf,
  pageSizeOf,
} from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { type AuditFilter, listAuditRows } from './audit-store.ts';

export function listAuditRecords({ database }: Deps) {
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
      records: page.map((row) => auditMessage('connection-service', row)),
      nextPageToken: rows.length > size && last ? encodePageToken([String(last.sequence)], query) : '',
    };
  };
}
