import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import { SealedOutputSchema } from '@planton/api/runner/v1/operation';
import type {
  RunConnectionOperationRequest,
  RunConnectionOperationResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { callerOf, denied, missing, type ServiceCaller, serviceCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { PLATFORM_RUNNER_UID } from '../runners/runner.ts';
import { checkConnectionOrder, checkPlatformOrder, rulesOf } from './check-input.ts';
import type { OperationParts } from './execute-operation.ts';
import { operationMessage } from './operation.ts';
import type { OperationEnded } from './waits.ts';

type Event = MessageInitShape<typeof RunConnectionOperationResponseSchema>;

/**
 * Carries out an operation for a connection, with whatever it takes to, on a runner of the organisation or the platform's. The secret
 * output leaves in the last message and is nowhere afterwards. Throws `ORGANIZATION_MISMATCH`, `RUNNER_NOT_FOUND`, `TIMEOUT_TOO_LONG`,
 * `RESULT_KEY_INVALID`.
 */
export function runConnectionOperation({ deps, taker }: OperationParts) {
  return async function* (
    request: RunConnectionOperationRequest,
    context: HandlerContext,
  ): AsyncIterable<Event> {
    checkOrganization(serviceCallerOf(context), request.organizationUid);
    const checked = rulesOf(deps.operationKinds, request.input);
    const timeoutMs = request.timeout ? durationMs(request.timeout) : 0;
    checkConnectionOrder(checked, { timeoutMs, resultPublicKey: request.resultPublicKey });
    if (request.runnerUid === PLATFORM_RUNNER_UID) throw runnerGone(request.runnerUid);
    if (request.runnerUid === '') checkPlatformOrder(checked);

    const taken = await taker.take({
      runnerUid: request.runnerUid === '' ? PLATFORM_RUNNER_UID : request.runnerUid,
      organizationUid: request.organizationUid,
      rules: checked.rules,
      input: checked.input,
      timeoutMs,
      resultPublicKey: request.resultPublicKey,
      connection: { uid: request.connectionUid, slug: request.connection },
      actor: callerOf(context),
      purpose: request.purpose,
    });
    if (!taken) throw runnerGone(request.runnerUid);
    const { row, wait } = taken;
    const leave = () => wait.cancel();
    context.signal.addEventListener('abort', leave);
    try {
      yield { event: { case: 'operation', value: operationMessage(row, deps.operationKinds) } };
      for (;;) {
        const event = await wait.next();
        if ('row' in event) {
          yield endOf(deps, event);
          return;
        }
        yield { event: { case: 'step', value: event } };
      }
    } finally {
      context.signal.removeEventListener('abort', leave);
      wait.cancel();
    }
  };
}

function endOf(
  { operationKinds }: Pick<Deps, 'operationKinds'>,
  { row, sealedOutput }: OperationEnded,
): Event {
  const sealed = sealedOutput && { sealedOutput: fromBinary(SealedOutputSchema, sealedOutput) };
  return { event: { case: 'end', value: { operation: operationMessage(row, operationKinds), ...sealed } } };
}

/** A service acts for the organisation of its actor; in its own name it says which. */
function checkOrganization({ actor }: ServiceCaller, organizationUid: string): void {
  if (actor && actor.membership?.organization.uid !== organizationUid)
    throw denied('ORGANIZATION_MISMATCH', 'organization_uid: is not the organisation of the actor');
}

function runnerGone(uid: string) {
  return missing('RUNNER_NOT_FOUND', 'the runner of the connection does not exist, or was revoked', {
    hint: 'planton runner list; planton get aws NAME shows the runner of a connection',
    metadata: { runner_uid: uid },
  });
}
