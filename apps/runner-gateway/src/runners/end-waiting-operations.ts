import { create, toJson } from '@bufbuild/protobuf';
import { OperationErrorKind, OperationErrorSchema } from '@planton/api/runner/v1/operation';
import type { Transaction } from 'kysely';
import type { RunnerTables } from '../schema.ts';
import type { RunnerRow } from './runner.ts';
import { type EndedOperation, failQueuedOperations } from './runner-change-store.ts';

/** Fails the operations that wait for a runner, because it was deleted or revoked. */
export function endWaitingOperations(
  tx: Transaction<RunnerTables>,
  { uid, slug }: RunnerRow,
  what: 'deleted' | 'revoked',
): Promise<EndedOperation[]> {
  const error = create(OperationErrorSchema, {
    kind: OperationErrorKind.OFFLINE,
    reason: what === 'deleted' ? 'RUNNER_DELETED' : 'RUNNER_REVOKED',
    message: `runner "${slug}" was ${what} while the operation waited for it`,
    hint: 'planton runner list',
  });
  return failQueuedOperations(tx, uid, toJson(OperationErrorSchema, error));
}
