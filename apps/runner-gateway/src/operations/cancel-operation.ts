import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  CancelOperationRequest,
  CancelOperationResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { operationNotFound } from './get-operation.ts';
import { errorJson, isFinal, operationMessage } from './operation.ts';
import { cancelOperationRow } from './operation-read-store.ts';

/** Ends what waits at once and asks the runner to end what runs. What has ended stays as it is. Throws `OPERATION_NOT_FOUND`. */
export function cancelOperation(
  deps: Pick<Deps, 'database' | 'operationKinds' | 'scopeOf' | 'newUid' | 'wake'>,
) {
  return async (
    request: CancelOperationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CancelOperationResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const error = errorJson({
      kind: 'INTERNAL',
      reason: 'CANCELLED',
      message: `${caller.subject.name} cancelled it before it began`,
    });
    const row = await deps.database.transact(async (tx) => {
      const found = await cancelOperationRow(tx, request.operationUid, organization.uid, error);
      if (!found) throw operationNotFound(request.operationUid);
      if (found.changed) {
        const resource = { kind: 'operation', uid: found.uid, slug: '' };
        const entry = { action: 'operation.cancel', resource, details: { kind: found.kind } };
        await recordAudit(tx, deps.newUid(), { organizationUid: organization.uid, caller }, entry);
      }
      return found;
    });
    if (row.changed && isFinal(row.state)) deps.wake.ended(row.requester_replica_uid, row.uid);
    else if (row.changed && row.replica_uid !== null) deps.wake.cancelled(row.replica_uid, row.uid);
    return { operation: operationMessage(row, deps.operationKinds) };
  };
}
