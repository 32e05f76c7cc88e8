import type { ConnectRouter } from '@connectrpc/connect';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { AuditTrail } from '@planton/audit-trail';
import { createRunnerToken } from './enrolment/create-runner-token.ts';
import { enrollRunner } from './enrolment/enroll-runner.ts';
import { listRunnerTokens } from './enrolment/list-runner-tokens.ts';
import { recoverRunner } from './enrolment/recover-runner.ts';
import { renewCertificate } from './enrolment/renew-certificate.ts';
import { revokeRunnerToken } from './enrolment/revoke-runner-token.ts';
import { cancelOperation } from './operations/cancel-operation.ts';
import { executeOperation, type OperationParts } from './operations/execute-operation.ts';
import { getOperation } from './operations/get-operation.ts';
import { listOperations } from './operations/list-operations.ts';
import { runConnectionOperation } from './operations/run-connection-operation.ts';
import { watchOperation } from './operations/watch-operation.ts';
import { listRunnerUsages } from './references/list-runner-usages.ts';
import { listUnconfirmedRunnerOwners } from './references/list-unconfirmed-runner-owners.ts';
import { setRunnerReferences } from './references/set-runner-references.ts';
import type { RunningWake } from './replicas/wake.ts';
import { deleteRunner } from './runners/delete-runner.ts';
import { getRunner } from './runners/get-runner.ts';
import { listRunnerInstances } from './runners/list-runner-instances.ts';
import { listRunners } from './runners/list-runners.ts';
import { registerRunner } from './runners/register-runner.ts';
import { revokeRunner } from './runners/revoke-runner.ts';
import { watchRunners } from './runners/watch-runners.ts';
import { openSession, type SessionParts } from './sessions/open-session.ts';

/** Registers every RPC of `RunnerService`, for the API listener. */
export function runnerRoutes(
  parts: OperationParts,
  wake: Pick<RunningWake, 'onChanged'>,
  { rpcs }: Pick<AuditTrail, 'rpcs'>,
): (router: ConnectRouter) => void {
  const { deps } = parts;
  const implementation = {
    registerRunner: registerRunner(deps),
    getRunner: getRunner(deps),
    listRunners: listRunners(deps),
    listRunnerInstances: listRunnerInstances(deps),
    watchRunners: watchRunners({ database: deps.database, wake }),
    deleteRunner: deleteRunner(deps),
    revokeRunner: revokeRunner(deps),
    createRunnerToken: createRunnerToken(deps),
    listRunnerTokens: listRunnerTokens(deps),
    revokeRunnerToken: revokeRunnerToken(deps),
    enrollRunner: enrollRunner(deps),
    recoverRunner: recoverRunner(deps),
    setRunnerReferences: setRunnerReferences(deps),
    listUnconfirmedRunnerOwners: listUnconfirmedRunnerOwners(deps),
    listRunnerUsages: listRunnerUsages(deps),
    executeOperation: executeOperation(parts),
    runConnectionOperation: runConnectionOperation(parts),
    watchOperation: watchOperation(deps),
    getOperation: getOperation(deps),
    listOperations: listOperations(deps),
    cancelOperation: cancelOperation(deps),
    ...rpcs,
  };
  return (router) => {
    router.service(RunnerService, implementation);
  };
}

/** Registers every RPC of `RunnerGateway`, for the listener of runners. */
export function gatewayRoutes(
  parts: SessionParts,
  deps: Parameters<typeof renewCertificate>[0],
): (router: ConnectRouter) => void {
  const implementation = { openSession: openSession(parts), renewCertificate: renewCertificate(deps) };
  return (router) => {
    router.service(RunnerGateway, implementation);
  };
}
