import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import { MetadataSchema } from '@planton/api/common/v1/metadata';
import type {
  ListConnectionRevisionsRequest,
  ListConnectionRevisionsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { ConnectionStatusSchema } from '@planton/api/connect/v1/connection_status';
import type {
  ConnectionRevisionSchema,
  ProviderConnectionSchema,
} from '@planton/api/connect/v1/provider_connection';
import { encodePageToken, numberPosition, organizationCallerOf, pageSizeOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { findProvider } from '../providers/registry.ts';
import { connectionNotFound, etagOf, readSpec, readTextMap } from './connection.ts';
import { findConnectionView } from './connection-store.ts';
import { findDeletedConnection, listRevisionRows, type RevisionRow } from './revision-store.ts';

/** The history of the connection with this slug or name, else of the last deleted one with this slug. */
export function listConnectionRevisions({ database }: Deps) {
  return async (
    request: ListConnectionRevisionsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListConnectionRevisionsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const uid =
      (await findConnectionView(database.query, organization, request.connection))?.uid ??
      (await findDeletedConnection(database.query, organization.uid, request.connection));
    if (uid === undefined) throw connectionNotFound(organization.slug, request.connection);

    const query = JSON.stringify(['revisions', uid]);
    const before = numberPosition(request.pageToken, query);
    const size = pageSizeOf(request.pageSize);
    const rows = await listRevisionRows(database.query, uid, before, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      revisions: page.map(revisionMessage),
      nextPageToken: rows.length > size && last ? encodePageToken([String(last.revision)], query) : '',
    };
  };
}

function revisionMessage(row: RevisionRow): MessageInitShape<typeof ConnectionRevisionSchema> {
  const connection = connectionOf(row);
  return {
    revision: row.revision,
    action: row.action,
    createTime: timestampFromDate(row.create_time),
    createdBy: row.created_by,
    ...(connection && { connection }),
  };
}

/** Undefined where this release cannot read what was stored. */
function connectionOf(row: RevisionRow): MessageInitShape<typeof ProviderConnectionSchema> | undefined {
  const document: Readonly<Record<string, unknown>> = Object(row.document);
  const { provider: providerName, name, spec } = document;
  const provider = typeof providerName === 'string' ? findProvider(providerName) : undefined;
  if (!provider) return undefined;
  const metadata = create(MetadataSchema, {
    name: typeof name === 'string' ? name : '',
    slug: row.slug,
    org: typeof document.organization_slug === 'string' ? document.organization_slug : '',
    labels: readTextMap(document.labels),
    annotations: readTextMap(document.annotations),
    uid: row.connection_uid,
    revision: row.revision,
    etag: etagOf({ uid: row.connection_uid, revision: row.revision }),
  });
  const status = create(ConnectionStatusSchema);
  return { kind: provider.wrap({ metadata, spec: readSpec(provider, spec), status }) };
}
