import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetSecretRequest,
  GetSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { secretMessage, secretNotFound } from './secret.ts';
import { findSecret } from './secret-store.ts';

export function getSecret({ database, scopeOf }: Deps) {
  return async (
    request: GetSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetSecretResponseSchema>> => {
    const scope = await scopeOf(context, request.environment);
    const secret = await findSecret(database.query, levelOf(scope), request.slug);
    if (!secret) throw secretNotFound(request.slug, scope);
    return { secret: secretMessage(secret, secret.keys, scope) };
  };
}
