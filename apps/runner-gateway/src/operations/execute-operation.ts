import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ExecuteOperationRequest,
  ExecuteOperationResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { type OrganizationCaller, organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { type RunnerRow, runnerNotFound, runnerRevoked } from '../runners/runner.ts';
import { findRunnerByName } from '../runners/runner-store.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import { notPublic, rulesOf } from './check-input.ts';
import { operationMessage } from './operation.ts';
import type { OperationTaker } from './take-operation.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

export interface OperationParts {
  readonly deps: Deps;
  readonly live: LiveSessions;
  readonly taker: OperationTaker;
}

/**
 * Carries out an operation that anyone with the permission may ask for. Two statements for one that a session here takes, its result
 * included, and one more to find a runner that has none here. Throws `RUNNER_NOT_FOUND`, `RUNNER_REVOKED`, `OPERATION_NOT_PUBLIC`.
 */
export function executeOperation({ deps, live, taker }: OperationParts) {
  return async (
    request: ExecuteOperationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ExecuteOperationResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { rules, input, kindInput } = rulesOf(deps.operationKinds, request.input);
    if (!rules.isPublic(kindInput)) throw notPublic();

    const runnerUid =
      live.findPool(organization.uid, request.runner)?.runnerUid ??
      (await findRunner(deps, caller, request.runner)).uid;
    const taken = await taker.take({
      runnerUid,
      organizationUid: organization.uid,
      rules,
      input,
      timeoutMs: request.timeout ? durationMs(request.timeout) : DEFAULT_TIMEOUT_MS,
      resultPublicKey: new Uint8Array(),
      connection: { uid: '', slug: '' },
      actor: caller,
      purpose: request.purpose,
    });
    // It was revoked or deleted since it was found: this says which.
    if (!taken) {
      await findRunner(deps, caller, request.runner);
      throw runnerNotFound(organization.slug, request.runner);
    }
    if (request.detach) {
      taken.wait.cancel();
      return { operation: operationMessage(taken.row, deps.operationKinds) };
    }
    const leave = () => taken.wait.cancel();
    context.signal.addEventListener('abort', leave);
    try {
      const { row } = await taken.wait.ended();
      return { operation: operationMessage(row, deps.operationKinds) };
    } finally {
      context.signal.removeEventListener('abort', leave);
    }
  };
}

async function findRunner(deps: Deps, { membership }: OrganizationCaller, name: string): Promise<RunnerRow> {
  const runner = await findRunnerByName(deps.database.query, membership.organization, name);
  if (runner.revoke_time) throw runnerRevoked(runner.slug);
  return runner;
}
