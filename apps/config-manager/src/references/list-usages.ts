import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListUsagesRequest,
  ListUsagesResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { invalid, type Scope } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { secretNotFound } from '../secrets/secret.ts';
import { findSecret } from '../secrets/secret-store.ts';
import { variableNotFound } from '../variables/variable.ts';
import { findVariable } from '../variables/variable-store.ts';
import { listUsers } from './reference-store.ts';

export function listUsages({ database, scopeOf }: Deps) {
  const findTarget = async ({ target }: ListUsagesRequest, scope: Scope) => {
    const level = levelOf(scope);
    if (target.case === 'secret') {
      const secret = await findSecret(database.query, level, target.value);
      if (!secret) throw secretNotFound(target.value, scope);
      return secret.uid;
    }
    if (target.case === 'variable') {
      const variable = await findVariable(database.query, level, target.value);
      if (!variable) throw variableNotFound(target.value, scope);
      return variable.uid;
    }
    throw invalid('VALIDATION_FAILED', 'target: a secret or a variable has to be named');
  };

  return async (
    request: ListUsagesRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListUsagesResponseSchema>> => {
    const uid = await findTarget(request, await scopeOf(context, request.environment));
    const users = await listUsers(database.query, uid);
    return {
      usages: users.map(({ uid, kind, slug, confirmed }) => ({ owner: { uid, kind, slug }, confirmed })),
    };
  };
}
