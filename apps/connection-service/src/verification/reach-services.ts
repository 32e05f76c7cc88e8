import type { CallOptions, HandlerContext } from '@connectrpc/connect';
import type { Reference as ReferenceMessage } from '@planton/api/config/v1/reference';
import type { OperationInput } from '@planton/api/runner/v1/operation';
import type { RunConnectionOperationResponse } from '@planton/api/runner/v1/runner_service';
import { asActor } from '@planton/rpc';
import type { ConnectionRow } from '../connections/connection.ts';
import type { Deps } from '../deps.ts';
import type { AskForValues } from '../references/resolve-references.ts';

/** How a verification reaches other services: in the name of whoever asked for it, or in the service's own. */
export interface Reach {
  /** Aborted where nobody wants the result any more. */
  readonly signal: AbortSignal;
  /** Reads what the connection refers to. The read is on record before the values come. */
  readValues(connection: ConnectionRow): AskForValues;
  /** Has the runner of the connection, or the platform runner, carry out the operation, until `ended`. */
  runOperation(
    connection: ConnectionRow,
    input: OperationInput,
    ended: AbortSignal,
  ): AsyncIterable<RunConnectionOperationResponse>;
}

type ReachDeps = Pick<Deps, 'configManager' | 'runners'>;

/** Waiting for the runner included. */
const OPERATION_SECONDS = 30n;
/** The gateway ends the operation first, and says why. */
const CALL_TIMEOUT_MS = 35_000;

/** The permissions of the actor decide, here and in the other services. */
export function reachAsActor(deps: ReachDeps, context: HandlerContext): Reach {
  const { signal } = context;
  const options = { contextValues: asActor(context), signal };
  return {
    signal,
    readValues: (connection) => (references: ReferenceMessage[]) =>
      deps.configManager.resolveReferences(
        {
          org: connection.organization_slug,
          references,
          ownerUid: connection.uid,
          purpose: `verification of ${connection.slug}`,
        },
        options,
      ),
    runOperation: (connection, input, ended) =>
      runOperation(deps, connection, input, connection.organization_slug, 'verification', {
        ...options,
        signal: AbortSignal.any([signal, ended]),
      }),
  };
}

/** For checks that nobody asked for. */
export function reachAsService(deps: ReachDeps, signal: AbortSignal): Reach {
  return {
    signal,
    readValues: (connection) => (references: ReferenceMessage[]) =>
      deps.configManager.resolveOwnedReferences(
        {
          organizationUid: connection.organization_uid,
          ownerUid: connection.uid,
          references,
          purpose: `scheduled verification of ${connection.slug}`,
        },
        { signal },
      ),
    runOperation: (connection, input, ended) =>
      runOperation(deps, connection, input, '', 'scheduled verification', {
        signal: AbortSignal.any([signal, ended]),
      }),
  };
}

function runOperation(
  { runners }: ReachDeps,
  connection: ConnectionRow,
  input: OperationInput,
  org: string,
  what: string,
  options: CallOptions,
): AsyncIterable<RunConnectionOperationResponse> {
  return runners.runConnectionOperation(
    {
      org,
      organizationUid: connection.organization_uid,
      runnerUid: connection.runner_uid,
      connectionUid: connection.uid,
      connection: connection.slug,
      input,
      timeout: { seconds: OPERATION_SECONDS },
      purpose: `${what} of ${connection.slug}`,
    },
    { ...options, timeoutMs: CALL_TIMEOUT_MS },
  );
}
