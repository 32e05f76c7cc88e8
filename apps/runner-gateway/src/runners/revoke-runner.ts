import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { RevokeRunnerRequest, RevokeRunnerResponseSchema } from '@planton/api/runner/v1/runner_service';
import { type OrganizationCaller, organizationCallerOf } from '@planton/rpc';
import type { Transaction } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import type { RunnerTables } from '../schema.ts';
import { endWaitingOperations } from './end-waiting-operations.ts';
import { instanceNotFound } from './instance.ts';
import { lockInstance, revokeInstanceRow } from './instance-store.ts';
import { type RunnerRow, runnerMessage, runnerNotFound } from './runner.ts';
import { type EndedOperation, insertRevocation, lockRunner, revokeRunnerRow } from './runner-change-store.ts';
import { findRunnerByName, findRunnerView } from './runner-store.ts';

/** Refuses a runner, or one instance of it, for ever. What is revoked already stays as it is. Throws `RUNNER_INSTANCE_NOT_FOUND`. */
export function revokeRunner(deps: Deps) {
  return async (
    request: RevokeRunnerRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RevokeRunnerResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { uid } = await findRunnerByName(deps.database.query, organization, request.runner);

    const ended = await deps.database.transact(async (tx) => {
      const runner = await lockRunner(tx, uid);
      if (!runner) throw runnerNotFound(organization.slug, request.runner);
      return request.instanceUid === ''
        ? revokeWhole(deps, tx, caller, runner)
        : revokeInstance(deps, tx, caller, runner, request.instanceUid);
    });
    deps.wake.revoked();
    for (const operation of ended) deps.wake.ended(operation.requester_replica_uid, operation.uid);
    deps.wake.changed(organization.uid);

    const view = await findRunnerView(deps.database.query, organization.uid, uid);
    if (!view) throw runnerNotFound(organization.slug, request.runner);
    return { runner: runnerMessage(view) };
  };
}

async function revokeWhole(
  { newUid }: Deps,
  tx: Transaction<RunnerTables>,
  caller: OrganizationCaller,
  runner: RunnerRow,
): Promise<EndedOperation[]> {
  if (runner.revoke_time) return [];
  const { uid, slug, organization_uid } = runner;
  await revokeRunnerRow(tx, uid, caller.subject.name);
  await insertRevocation(tx, { uid: newUid(), runnerUid: uid, instanceUid: '', reason: 'revoked' });
  const failed = await endWaitingOperations(tx, runner, 'revoked');
  await recordAudit(
    tx,
    newUid(),
    { organizationUid: organization_uid, caller },
    {
      action: 'runner.revoke',
      resource: { kind: 'runner', uid, slug },
      version: runner.revision + 1,
      details: { failed_operations: String(failed.length) },
    },
  );
  return failed;
}

async function revokeInstance(
  { newUid }: Deps,
  tx: Transaction<RunnerTables>,
  caller: OrganizationCaller,
  runner: RunnerRow,
  instanceUid: string,
): Promise<EndedOperation[]> {
  const instance = await lockInstance(tx, instanceUid);
  if (instance?.runner_uid !== runner.uid) throw instanceNotFound(runner.slug, instanceUid);
  if (instance.revoke_time) return [];
  await revokeInstanceRow(tx, instanceUid);
  await insertRevocation(tx, { uid: newUid(), runnerUid: runner.uid, instanceUid, reason: 'revoked' });
  await recordAudit(
    tx,
    newUid(),
    { organizationUid: runner.organization_uid, caller },
    {
      action: 'runner_instance.revoke',
      resource: { kind: 'runner_instance', uid: instanceUid, slug: runner.slug },
      version: instance.generation,
      details: { instance_name: instance.name },
    },
  );
  return [];
}
