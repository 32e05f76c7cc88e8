import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetVariableRequest,
  GetVariableResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import type { Deps } from '../deps.ts';
import { levelOf } from '../level.ts';
import { variableMessage, variableNotFound } from './variable.ts';
import { findVariable } from './variable-store.ts';

export function getVariable({ database, scopeOf }: Deps) {
  return async (
    request: GetVariableRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetVariableResponseSchema>> => {
    const scope = await scopeOf(context, request.environment);
    const variable = await findVariable(database.query, levelOf(scope), request.slug);
    if (!variable) throw variableNotFound(request.slug, scope);
    return { variable: variableMessage(variable, scope) };
  };
}
