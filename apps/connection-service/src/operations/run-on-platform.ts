import type { ContextValues } from '@connectrpc/connect';
import type { Operation, OperationInput, SealedOutput } from '@planton/api/runner/v1/operation';
import { unavailable } from '@planton/rpc';
import type { Deps } from '../deps.ts';

/** What the platform runner has to do, and for which connection. */
export interface PlatformOrder {
  /** The slug may be empty where there is no actor. */
  readonly organization: { readonly uid: string; readonly slug: string };
  readonly connectionUid: string;
  readonly connection: string;
  readonly input: OperationInput;
  readonly purpose: string;
  /** X25519; absent for an operation whose output is not secret. */
  readonly resultPublicKey?: Uint8Array;
}

/** How an operation ended, with what the runner sealed to whoever asked. */
export interface EndedOperation {
  readonly operation: Operation;
  readonly sealedOutput: SealedOutput | undefined;
}

export interface RunOptions {
  /** Ends the call; absent for one that goes on whoever leaves. */
  readonly signal?: AbortSignal;
  /** In whose name it is done; absent for the service's own. */
  readonly actor?: ContextValues;
}

/** Waiting for the runner included. */
const OPERATION_SECONDS = 30n;
/** The gateway ends the operation first, and says why. */
const CALL_TIMEOUT_MS = 35_000;

/**
 * Has the platform runner carry out an operation, and answers how that ended. Throws what the gateway refuses, what breaks the call, and
 * `OPERATION_NOT_ENDED`.
 */
export async function runOnPlatform(
  { runners }: Pick<Deps, 'runners'>,
  { organization, connectionUid, connection, input, purpose, resultPublicKey }: PlatformOrder,
  { signal, actor }: RunOptions,
): Promise<EndedOperation> {
  // A stream that is not read to its end is not closed otherwise.
  const ended = new AbortController();
  try {
    const events = runners.runConnectionOperation(
      {
        org: organization.slug,
        organizationUid: organization.uid,
        connectionUid,
        connection,
        input,
        timeout: { seconds: OPERATION_SECONDS },
        purpose,
        ...(resultPublicKey && { resultPublicKey }),
      },
      {
        signal: AbortSignal.any([...(signal ? [signal] : []), ended.signal]),
        timeoutMs: CALL_TIMEOUT_MS,
        ...(actor && { contextValues: actor }),
      },
    );
    for await (const { event } of events) {
      if (event.case !== 'end' || !event.value.operation) continue;
      return { operation: event.value.operation, sealedOutput: event.value.sealedOutput };
    }
  } finally {
    ended.abort();
  }
  throw unavailable('OPERATION_NOT_ENDED', 'the runner gateway ended the call without a result');
}
