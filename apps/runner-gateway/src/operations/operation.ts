import { fromJson, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type OperationErrorKind,
  OperationErrorSchema,
  OperationKind,
  OperationOutputSchema,
  type OperationSchema,
  OperationState,
  type OperationStep,
  OperationStepSchema,
} from '@planton/api/runner/v1/operation';
import type { OperationStateName } from '../schema.ts';
import type { OperationKinds } from './operation-kind.ts';

/** An operation as it is read for whoever may see it: neither what goes in nor what is sealed. */
export interface StoredOperation {
  readonly uid: string;
  readonly organization_uid: string;
  readonly runner_uid: string;
  readonly kind: string;
  readonly state: OperationStateName;
  readonly attempt: number;
  readonly instance_uid: string | null;
  readonly requester_replica_uid: string;
  readonly connection_slug: string;
  readonly requested_by: string;
  readonly create_time: Date;
  readonly start_time: Date | null;
  readonly end_time: Date | null;
  readonly deadline: Date;
  readonly output: unknown;
  readonly error: unknown;
}

export interface OperationRow extends StoredOperation {
  /** Empty where the runner is the platform's, or is deleted. */
  readonly runner_slug: string;
}

/**
 * The states that may follow each state; none follows one that is final. Every change of a row is a statement that names the state
 * that it starts from.
 *
 * - queued → running: delivered to an instance, as a new attempt
 * - queued → failed: the deadline; queued → cancelled: on request
 * - running → queued: handed back, or its instance was lost and the kind may be repeated
 * - running → outcome_unknown: its instance was lost, or the deadline passed, and the kind may not be repeated
 * - running → succeeded, failed, cancelled: by the result of its attempt; failed also by the deadline
 */
export const transitions: Readonly<Record<OperationStateName, readonly OperationStateName[]>> = {
  queued: ['running', 'failed', 'cancelled'],
  running: ['queued', 'succeeded', 'failed', 'cancelled', 'outcome_unknown'],
  succeeded: [],
  failed: [],
  cancelled: [],
  outcome_unknown: [],
};

export function isFinal(state: OperationStateName): boolean {
  return transitions[state].length === 0;
}

const states: Readonly<Record<OperationStateName, OperationState>> = {
  queued: OperationState.QUEUED,
  running: OperationState.RUNNING,
  succeeded: OperationState.SUCCEEDED,
  failed: OperationState.FAILED,
  cancelled: OperationState.CANCELLED,
  outcome_unknown: OperationState.OUTCOME_UNKNOWN,
};

const names = new Map(
  Object.entries(states).map(([name, state]) => [state, name as OperationStateName] as const),
);

/** The stored name of a state; undefined for what is no state. */
export function stateName(state: OperationState): OperationStateName | undefined {
  return names.get(state);
}

/** The row as callers see it. Output and error that a release does not know are left out rather than fail the read. */
export function operationMessage(
  row: OperationRow,
  kinds: OperationKinds,
): MessageInitShape<typeof OperationSchema> {
  return {
    uid: row.uid,
    runner: row.runner_slug,
    kind: kinds.get(row.kind)?.kind ?? OperationKind.UNSPECIFIED,
    state: states[row.state],
    attempt: row.attempt,
    instanceUid: row.instance_uid ?? '',
    connection: row.connection_slug,
    requestedBy: row.requested_by,
    createTime: timestampFromDate(row.create_time),
    ...(row.start_time ? { startTime: timestampFromDate(row.start_time) } : {}),
    ...(row.end_time ? { endTime: timestampFromDate(row.end_time) } : {}),
    deadline: timestampFromDate(row.deadline),
    ...(row.output ? { output: read(OperationOutputSchema, row.output) } : {}),
    ...(row.error ? { error: read(OperationErrorSchema, row.error) } : {}),
  };
}

/** A stored step; undefined for one that this release does not know. */
export function readStep(step: unknown): OperationStep | undefined {
  try {
    return fromJson(OperationStepSchema, step as JsonValue, { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}

function read<Schema extends typeof OperationOutputSchema | typeof OperationErrorSchema>(
  schema: Schema,
  value: unknown,
) {
  try {
    return fromJson<Schema>(schema, value as JsonValue, { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}

/** The errors that the gateway itself ends operations with, as they are stored. */
export interface GatewayError {
  readonly kind: keyof typeof OperationErrorKind;
  readonly reason: (typeof gatewayReasons)[number];
  readonly message: string;
  readonly hint?: string;
}

export const gatewayReasons = [
  'RUNNER_OFFLINE',
  'RUNNER_BUSY',
  'RUNNER_GONE',
  'PAYLOAD_UNREADABLE',
  'DEADLINE_EXCEEDED',
  'OUTCOME_UNKNOWN',
  'CANCELLED',
] as const;

/** Protobuf JSON of an error, for a `jsonb` column. */
export function errorJson({ kind, reason, message, hint = '' }: GatewayError): string {
  return JSON.stringify({ kind: `OPERATION_ERROR_KIND_${kind}`, reason, message, ...(hint && { hint }) });
}

/** Why an operation ends whose instance was lost and whose kind may not be repeated. */
export const outcomeUnknown: GatewayError = {
  kind: 'INTERNAL',
  reason: 'OUTCOME_UNKNOWN',
  message: 'the instance that carried it out was lost, so whether it took effect is not known',
  hint: 'look at what it was to change before it is asked for again',
};

/** Why an operation ends that was carried out for too long. */
export const deadlineExceeded: GatewayError = {
  kind: 'DEADLINE',
  reason: 'DEADLINE_EXCEEDED',
  message: 'the runner did not finish before the deadline',
};

/** What is known of a runner whose queue an operation did not leave in time. */
export interface QueueFacts {
  readonly runnerName: string;
  /** Whether the registration is still there and not revoked. */
  readonly usable: boolean;
  readonly online: boolean;
  readonly lastSeen: Date | null;
}

/** Why an operation ends that no instance took in time. */
export function notTaken({ runnerName, usable, online, lastSeen }: QueueFacts): GatewayError {
  if (!usable) {
    return {
      kind: 'OFFLINE',
      reason: 'RUNNER_GONE',
      message: `${runnerName} was revoked or deleted`,
      hint: 'planton runner list',
    };
  }
  if (online) {
    return {
      kind: 'DEADLINE',
      reason: 'RUNNER_BUSY',
      message: `no instance of ${runnerName} had room for it, or none carries out its kind`,
      hint: 'start another instance of the runner, or a newer one',
    };
  }
  const seen = lastSeen
    ? `it was last seen at ${lastSeen.toISOString().slice(0, 19)}Z`
    : 'it has never connected';
  return {
    kind: 'OFFLINE',
    reason: 'RUNNER_OFFLINE',
    message: `no instance of ${runnerName} was connected in time; ${seen}`,
    hint: 'planton runner start',
  };
}
