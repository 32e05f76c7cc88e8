import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  SetVariableRequest,
  SetVariableResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { organizationCallerOf, quota, type Scope, unavailable } from '@planton/rpc';
import type { Transaction } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { checkEtag } from '../etag.ts';
import { describeLevel, environmentFlag, levelOf } from '../level.ts';
import type { ConfigTables } from '../schema.ts';
import { type StoredVariable, variableMessage } from './variable.ts';
import {
  countVariablesInTurn,
  insertVariable,
  lockVariable,
  replaceVariable,
  type VariableContent,
} from './variable-store.ts';

/** Variables of one level, the organisation or an environment. */
const VARIABLES_AT_MOST = 5_000;

/** Throws `STALE_ETAG`, `VARIABLE_LIMIT`, `VARIABLE_CONTENDED`. */
export function setVariable({ database, scopeOf, newUid }: Deps) {
  return async (
    request: SetVariableRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof SetVariableResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await scopeOf(context, request.environment, { write: true });
    const level = levelOf(scope);
    const { slug, value } = request;
    const content = { value, updatedBy: caller.subject.name };

    return database.transact(async (tx) => {
      const found = await lockVariable(tx, level, slug);
      checkEtag(request.etag, found, slug, `variable get ${slug}${environmentFlag(scope)}`);
      if (found?.value === value) return { variable: variableMessage(found, scope), changed: false };
      const { variable, changed } = await store(tx, scope, slug, newUid(), content, found);
      if (!changed) return { variable: variableMessage(variable, scope), changed };
      await recordAudit(tx, level.organizationUid, caller, [
        {
          action: 'variable.set',
          resource: { kind: 'variable', uid: variable.uid, slug },
          environment: scope.environment?.slug ?? '',
          version: variable.revision,
        },
      ]);
      return { variable: variableMessage(variable, scope), changed };
    });
  };
}

/** Somebody may make one, and delete it, between the look and the insert; then the next look decides. */
async function store(
  tx: Transaction<ConfigTables>,
  scope: Scope,
  slug: string,
  uid: string,
  content: VariableContent,
  found: StoredVariable | undefined,
): Promise<{ readonly variable: StoredVariable; readonly changed: boolean }> {
  const level = levelOf(scope);
  for (let attempt = 1, current = found; attempt <= 3; attempt++) {
    if (current?.value === content.value) return { variable: current, changed: false };
    if (current) return { variable: await replaceVariable(tx, current.uid, content), changed: true };
    const inserted = await insertVariable(tx, level, slug, uid, content);
    if (inserted) {
      if ((await countVariablesInTurn(tx, level)) > VARIABLES_AT_MOST) throw tooMany(scope);
      return { variable: inserted, changed: true };
    }
    current = await lockVariable(tx, level, slug);
  }
  throw unavailable(
    'VARIABLE_CONTENDED',
    `variable "${slug}" is being made and deleted by others at this moment`,
    {
      hint: 'try again',
    },
  );
}

function tooMany(scope: Scope) {
  return quota(
    'VARIABLE_LIMIT',
    `${describeLevel(scope)} has ${VARIABLES_AT_MOST} variables, which is the limit`,
    {
      hint: `planton variable delete SLUG${environmentFlag(scope)}`,
      metadata: { limit: String(VARIABLES_AT_MOST) },
    },
  );
}
