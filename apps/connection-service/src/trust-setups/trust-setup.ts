import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AwsCapability, AwsCapabilitySchema } from '@planton/api/connect/v1/aws_provider_connection';
import {
  type AwsTrustSetupSchema,
  AwsTrustSetupState,
  AwsTrustSetupWait,
} from '@planton/api/connect/v1/aws_trust_setup';
import { missing } from '@planton/rpc';
import type { Selectable } from 'kysely';
import type { TrustSetupStateName, TrustSetupTable, TrustSetupWaitName } from '../schema.ts';
import { readCauses } from '../verification/verification.ts';

/** A set-up as it is stored. */
export type TrustSetup = Selectable<TrustSetupTable>;

/** What audit records call it. */
export const SETUP_KIND = 'AwsTrustSetup';

const states: Readonly<Record<TrustSetupStateName, AwsTrustSetupState>> = {
  pending: AwsTrustSetupState.PENDING,
  verifying: AwsTrustSetupState.VERIFYING,
  completed: AwsTrustSetupState.COMPLETED,
  failed: AwsTrustSetupState.FAILED,
  expired: AwsTrustSetupState.EXPIRED,
};

const waits: Readonly<Record<TrustSetupWaitName, AwsTrustSetupWait>> = {
  none: AwsTrustSetupWait.UNSPECIFIED,
  callback: AwsTrustSetupWait.CALLBACK,
  role: AwsTrustSetupWait.ROLE,
  propagation: AwsTrustSetupWait.PROPAGATION,
  stack: AwsTrustSetupWait.STACK,
  platform: AwsTrustSetupWait.PLATFORM,
};

/** Every capability that the contract knows, such as `eks`, in its order. */
const names: readonly (readonly [AwsCapability, string])[] = AwsCapabilitySchema.values
  .filter(({ number }) => number !== AwsCapability.UNSPECIFIED)
  .map(({ number, localName }) => [number as AwsCapability, localName.toLowerCase()]);
const nameByValue = new Map(names);
const valueByName = new Map(names.map(([value, name]) => [name, value]));

/** The capabilities that were asked for, in the contract's order: all of them where none was named. */
export function capabilityNames(asked: readonly AwsCapability[]): readonly string[] {
  const wanted = new Set(asked.map((value) => nameByValue.get(value)));
  const all = names.map(([, name]) => name);
  return asked.length === 0 ? all : all.filter((name) => wanted.has(name));
}

/** The stored names as the contract has them; one that this release does not know is left out. */
export function capabilityValues(stored: unknown): AwsCapability[] {
  return readCapabilities(stored).flatMap((name) => valueByName.get(name) ?? []);
}

export function readCapabilities(stored: unknown): readonly string[] {
  return Array.isArray(stored) ? stored.filter((name): name is string => typeof name === 'string') : [];
}

/** As callers see it. Holds neither token nor external ID. */
export function setupMessage(setup: TrustSetup): MessageInitShape<typeof AwsTrustSetupSchema> {
  return {
    uid: setup.uid,
    connection: setup.connection_slug,
    connectionUid: setup.connection_uid,
    accountId: setup.account_id,
    region: setup.region,
    capabilities: capabilityValues(setup.capabilities),
    state: states[setup.state],
    wait: waits[setup.wait],
    message: setup.message,
    causes: [...readCauses(setup.causes)],
    roleName: setup.role_name,
    roleArn: setup.role_arn,
    externalIdSecret: setup.external_id_slug,
    stackName: setup.stack_name,
    stackId: setup.stack_id,
    callsBack: setup.calls_back,
    createTime: timestampFromDate(setup.create_time),
    expireTime: timestampFromDate(setup.expire_time),
    attempts: setup.attempts,
    reconnect: setup.reconnect,
    ...(setup.end_time
      ? { endTime: timestampFromDate(setup.end_time) }
      : { nextAttemptTime: timestampFromDate(setup.next_attempt_time) }),
  };
}

export function setupNotFound(organization: string, what: string) {
  return missing('TRUST_SETUP_NOT_FOUND', `organisation "${organization}" has no set-up ${what}`, {
    hint: 'planton connect aws --name NAME --account-id ACCOUNT begins one',
    metadata: { organization },
  });
}
