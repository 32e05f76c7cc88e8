import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListApiKeysRequest,
  ListApiKeysResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { apiKeyMessage } from './api-key-message.ts';
import { listKeysOf } from './api-key-store.ts';
import { keyViewOf } from './key-view.ts';

/** The keys that the caller may see, expired ones too, revoked ones not. */
export function listApiKeys({ database }: Deps) {
  return async (
    _request: ListApiKeysRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListApiKeysResponseSchema>> => {
    const keys = await listKeysOf(database.query, keyViewOf(organizationCallerOf(context)));
    return { apiKeys: keys.map(apiKeyMessage) };
  };
}
