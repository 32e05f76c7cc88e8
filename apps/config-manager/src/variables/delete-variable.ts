import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DeleteVariableRequest,
  DeleteVariableResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { checkEtag } from '../etag.ts';
import { environmentFlag, levelOf } from '../level.ts';
import { targetInUse } from '../references/reference.ts';
import { listUsers } from '../references/reference-store.ts';
import { variableNotFound } from './variable.ts';
import { lockVariable, removeVariable } from './variable-store.ts';

export function deleteVariable({ database, scopeOf }: Deps) {
  return async (
    request: DeleteVariableRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteVariableResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await scopeOf(context, request.environment, { write: true });
    const { slug } = request;

    return database.transact(async (tx) => {
      const variable = await lockVariable(tx, levelOf(scope), slug);
      if (!variable) throw variableNotFound(slug, scope);
      checkEtag(request.etag, variable, slug, `variable get ${slug}${environmentFlag(scope)}`);
      const users = await listUsers(tx, variable.uid);
      if (users.length > 0) throw targetInUse('variable', slug, users);
      await removeVariable(tx, variable.uid);
      await recordAudit(tx, scope.organization.uid, caller, [
        {
          action: 'variable.delete',
          resource: { kind: 'variable', uid: variable.uid, slug },
          environment: scope.environment?.slug ?? '',
          version: variable.revision,
        },
      ]);
      return {};
    });
  };
}
