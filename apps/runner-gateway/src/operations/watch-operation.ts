import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  WatchOperationRequest,
  WatchOperationResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { operationNotFound } from './get-operation.ts';
import { isFinal, operationMessage, readStep } from './operation.ts';
import { readOperation, type WatchedOperation } from './operation-read-store.ts';

/** Milliseconds between two looks; a change is seen by then, whichever replica made it. */
const LOOK_INTERVAL_MS = 300;

/** Sends an operation whenever it looks different, with its steps, until it has ended. Throws `OPERATION_NOT_FOUND`. */
export function watchOperation({ database, operationKinds }: Pick<Deps, 'database' | 'operationKinds'>) {
  return async function* (
    request: WatchOperationRequest,
    context: HandlerContext,
  ): AsyncIterable<MessageInitShape<typeof WatchOperationResponseSchema>> {
    const { organization } = organizationCallerOf(context).membership;
    let before: WatchedOperation | undefined;
    for (;;) {
      const row = await readOperation(database.query, request.operationUid, organization.uid);
      if (!row) throw operationNotFound(request.operationUid);
      const operation = {
        event: { case: 'operation', value: operationMessage(row, operationKinds) },
      } as const;
      const changed = before?.state !== row.state || before.attempt !== row.attempt;
      // The steps of an operation come before its end, which nothing follows.
      if (changed && !isFinal(row.state)) yield operation;
      for (const { step } of newSteps(before, row)) {
        const value = readStep(step);
        if (value) yield { event: { case: 'step', value } };
      }
      if (isFinal(row.state)) {
        yield operation;
        return;
      }
      before = row;
      await sleep(LOOK_INTERVAL_MS, undefined, { signal: context.signal, ref: false }).catch(() => {});
      if (context.signal.aborted) return;
    }
  };
}

function newSteps(before: WatchedOperation | undefined, { attempt, steps }: WatchedOperation) {
  const seen = before?.attempt === attempt ? (before.steps.at(-1)?.sequence ?? 0) : 0;
  return steps.filter(({ sequence }) => sequence > seen);
}
