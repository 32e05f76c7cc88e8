import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { GetOperationRequest, GetOperationResponseSchema } from '@planton/api/runner/v1/runner_service';
import { type DomainError, missing, organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { operationMessage, readStep } from './operation.ts';
import { readOperation } from './operation-read-store.ts';

/** Throws `OPERATION_NOT_FOUND`. */
export function getOperation({ database, operationKinds }: Pick<Deps, 'database' | 'operationKinds'>) {
  return async (
    request: GetOperationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetOperationResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const row = await readOperation(database.query, request.operationUid, organization.uid);
    if (!row) throw operationNotFound(request.operationUid);
    return {
      operation: operationMessage(row, operationKinds),
      steps: row.steps.flatMap(({ step }) => readStep(step) ?? []),
    };
  };
}

export function operationNotFound(uid: string): DomainError {
  return missing(
    'OPERATION_NOT_FOUND',
    `operation ${JSON.stringify(uid)} does not exist, or its record has been deleted`,
    {
      hint: 'planton operation list',
      metadata: { operation: uid },
    },
  );
}
