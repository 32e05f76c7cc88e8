import { type MessageInitShape, toJsonString } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type ListAuditRecordsRequest,
  ListAuditRecordsRequestSchema,
  type ListAuditRecordsResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import {
  auditMessage,
  decodePageToken,
  encodePageToken,
  organizationCallerOf,
  pageSizeOf,
  pageTokenInvalid,
} from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { type AuditPlace, listAudit } from './audit-store.ts';

export function listAuditRecords({ database }: Deps) {
  return async (
    request: ListAuditRecordsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListAuditRecordsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const size = pageSizeOf(request.pageSize);
    const filter = {
      organizationUid: organization.uid,
      action: request.action,
      resourceSlug: request.resourceSlug,
      actorUid: request.actorUid,
      since: request.since && timestampDate(request.since),
      until: request.until && timestampDate(request.until),
    };
    const query = `audit ${organization.uid} ${toJsonString(ListAuditRecordsRequestSchema, { ...request, pageSize: 0, pageToken: '' })}`;
    const after = placeOf(decodePageToken(request.pageToken, query));
    const rows = await listAudit(database.query, filter, after, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      records: page.map((row) => auditMessage('config-manager', row)),
      nextPageToken: last && rows.length > size ? encodePageToken([last.time, last.uid], query) : '',
    };
  };
}

function placeOf(parts: readonly string[] | undefined): AuditPlace | undefined {
  if (parts === undefined) return undefined;
  const [time, uid] = parts;
  if (time === undefined || uid === undefined || !isTime(time) || !/^[\w-]{1,64}$/.test(uid)) {
    throw pageTokenInvalid();
  }
  return { time, uid };
}

function isTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/.test(text) && !Number.isNaN(Date.parse(text));
}
