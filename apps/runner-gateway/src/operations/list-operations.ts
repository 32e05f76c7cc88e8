import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListOperationsRequest,
  ListOperationsResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import {
  encodePageToken,
  organizationCallerOf,
  pageSizeOf,
  pageTokenInvalid,
  textPosition,
} from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { findRunnerByName } from '../runners/runner-store.ts';
import { operationMessage, stateName } from './operation.ts';
import { listOperationRows, type OperationFilter, type OperationPosition } from './operation-read-store.ts';

export function listOperations({ database, operationKinds }: Pick<Deps, 'database' | 'operationKinds'>) {
  return async (
    request: ListOperationsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListOperationsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const runner =
      request.runner === ''
        ? undefined
        : await findRunnerByName(database.query, organization, request.runner);
    const filter: OperationFilter = {
      organizationUid: organization.uid,
      runnerUid: runner?.uid,
      states: request.states.flatMap((state) => stateName(state) ?? []),
    };
    const query = JSON.stringify(['operations', filter]);
    const size = pageSizeOf(request.pageSize);
    const rows = await listOperationRows(
      database.query,
      filter,
      positionOf(request.pageToken, query),
      size + 1,
    );
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      operations: page.map((row) => operationMessage(row, operationKinds)),
      nextPageToken: rows.length > size && last ? encodePageToken([last.microseconds, last.uid], query) : '',
    };
  };
}

function positionOf(token: string, query: string): OperationPosition | undefined {
  const [microseconds, uid] = textPosition(token, query, 2) ?? [];
  if (microseconds === undefined || uid === undefined) return undefined;
  if (!/^[0-9]{1,17}$/.test(microseconds)) {
    throw pageTokenInvalid();
  }
  return { microseconds, uid };
}
