import { create, fromJson, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type HostFacts,
  HostFactsSchema,
  type RunnerInstanceSchema,
  RunnerInstanceState,
} from '@planton/api/runner/v1/runner';
import { type DomainError, missing } from '@planton/rpc';
import type { Selectable } from 'kysely';
import type { RunnerInstanceTable } from '../schema.ts';

export type InstanceRow = Selectable<RunnerInstanceTable>;

/** An instance with what is observed about it. */
export interface InstanceView extends Omit<InstanceRow, 'public_key'> {
  readonly online: boolean;
  readonly running_operations: number;
  /** Of its runner. */
  readonly runner_revoke_time: Date | null;
}

export function instanceNotFound(runner: string, instanceUid: string): DomainError {
  return missing(
    'RUNNER_INSTANCE_NOT_FOUND',
    `runner "${runner}" has no instance ${JSON.stringify(instanceUid)}`,
    { hint: `planton runner get ${runner}`, metadata: { runner, instance_uid: instanceUid } },
  );
}

export function instanceMessage(view: InstanceView): MessageInitShape<typeof RunnerInstanceSchema> {
  return {
    uid: view.uid,
    name: view.name,
    state: stateOf(view),
    version: view.version,
    host: readHostFacts(view.host),
    ephemeral: view.ephemeral,
    certificateGeneration: view.generation,
    certificateExpireTime: timestampFromDate(view.certificate_expire_time),
    enrollTime: timestampFromDate(view.enroll_time),
    runningOperations: view.running_operations,
    ...(view.last_seen_time && { lastSeenTime: timestampFromDate(view.last_seen_time) }),
  };
}

function stateOf({ revoke_time, runner_revoke_time, lock_time, online }: InstanceView): RunnerInstanceState {
  if (revoke_time || runner_revoke_time) return RunnerInstanceState.REVOKED;
  if (lock_time) return RunnerInstanceState.LOCKED;
  return online ? RunnerInstanceState.ONLINE : RunnerInstanceState.OFFLINE;
}

/** Facts that this release cannot read are none: one odd row never fails a list. */
function readHostFacts(stored: unknown): HostFacts {
  try {
    return fromJson(HostFactsSchema, stored as JsonValue, { ignoreUnknownFields: true });
  } catch {
    return create(HostFactsSchema);
  }
}
