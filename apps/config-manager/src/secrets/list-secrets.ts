import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListSecretsRequest,
  ListSecretsResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { decodePageToken, encodePageToken, pageSizeOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { placeOf } from '../place.ts';
import { secretMessage } from './secret.ts';
import { listSecretRows } from './secret-store.ts';

export function listSecrets({ database, scopeOf }: Deps) {
  return async (
    request: ListSecretsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListSecretsResponseSchema>> => {
    const scope = await scopeOf(context, request.environment);
    const level = levelOf(scope);
    const size = pageSizeOf(request.pageSize);
    const query = `secrets ${level.organizationUid} ${level.environmentUid} ${request.showDeleted}`;
    const after = placeOf(decodePageToken(request.pageToken, query));
    const rows = await listSecretRows(database.query, level, request.showDeleted, after, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      secrets: page.map((secret) => secretMessage(secret, secret.keys, scope)),
      nextPageToken: last && rows.length > size ? encodePageToken([last.slug, last.uid], query) : '',
    };
  };
}
