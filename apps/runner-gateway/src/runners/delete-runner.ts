import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { DeleteRunnerRequest, DeleteRunnerResponseSchema } from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { MOST_NAMED_USERS, runnerInUse } from '../references/reference.ts';
import { listUsers } from '../references/reference-store.ts';
import { endWaitingOperations } from './end-waiting-operations.ts';
import { runnerNotFound } from './runner.ts';
import { deleteRunnerRow, insertRevocation, lockRunner } from './runner-change-store.ts';
import { findRunnerByName } from './runner-store.ts';

/**
 * Deletes a runner that nothing uses. The lock keeps new references out until the end: registering one waits for it, and then finds
 * the runner gone. Throws `RUNNER_IN_USE`.
 */
export function deleteRunner(deps: Deps) {
  return async (
    request: DeleteRunnerRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteRunnerResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { uid } = await findRunnerByName(deps.database.query, organization, request.runner);

    const ended = await deps.database.transact(async (tx) => {
      const runner = await lockRunner(tx, uid);
      if (!runner) throw runnerNotFound(organization.slug, request.runner);
      const { users, count } = await listUsers(tx, uid, MOST_NAMED_USERS);
      if (count > 0) throw runnerInUse(runner.slug, users, count);

      const failed = await endWaitingOperations(tx, runner, 'deleted');
      await deleteRunnerRow(tx, uid);
      await insertRevocation(tx, {
        uid: deps.newUid(),
        runnerUid: uid,
        instanceUid: '',
        reason: 'revoked',
      });
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'runner.delete',
          resource: { kind: 'runner', uid, slug: runner.slug },
          version: runner.revision + 1,
          details: { failed_operations: String(failed.length) },
        },
      );
      return failed;
    });
    deps.wake.revoked();
    for (const operation of ended) deps.wake.ended(operation.requester_replica_uid, operation.uid);
    deps.wake.changed(organization.uid);
    return {};
  };
}
