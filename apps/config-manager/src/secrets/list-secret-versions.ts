import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListSecretVersionsRequest,
  ListSecretVersionsResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { decodePageToken, encodePageToken, pageSizeOf, pageTokenInvalid } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { secretNotFound, versionMessage } from './secret.ts';
import { findSecret, listVersionRows } from './secret-store.ts';

export function listSecretVersions({ database, scopeOf }: Deps) {
  return async (
    request: ListSecretVersionsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListSecretVersionsResponseSchema>> => {
    const scope = await scopeOf(context, request.environment);
    const secret = await findSecret(database.query, levelOf(scope), request.slug);
    if (!secret) throw secretNotFound(request.slug, scope);
    const size = pageSizeOf(request.pageSize);
    const query = `versions ${secret.uid}`;
    const below = belowOf(decodePageToken(request.pageToken, query));
    const rows = await listVersionRows(database.query, secret.uid, below, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      versions: page.map((version) => versionMessage(version, version.keys)),
      nextPageToken: last && rows.length > size ? encodePageToken([String(last.version)], query) : '',
    };
  };
}

function belowOf(parts: readonly string[] | undefined): number | undefined {
  if (parts === undefined) return undefined;
  const [version] = parts;
  if (version === undefined || !/^[1-9]\d{0,8}$/.test(version)) throw pageTokenInvalid();
  return Number(version);
}
