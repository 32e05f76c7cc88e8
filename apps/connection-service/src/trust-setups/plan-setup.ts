import type { InitiateAwsTrustSetupRequest } from '@planton/api/connect/v1/connection_service';
import { AwsTrustCallback } from '@planton/api/connect/v1/connection_service';
import {
  checkAccountId,
  checkRegion,
  findRegion,
  formatRoleArn,
  type PartitionId,
  parseArn,
} from '@planton/aws';
import { invalid, type Violation } from '@planton/rpc';
import { type ConnectionRow, readProviderSpec } from '../connections/connection.ts';
import { isConfidential, type TrustSettings } from './trust-settings.ts';
import type { TrustSetup } from './trust-setup.ts';
import { capabilityNames, readCapabilities } from './trust-setup.ts';

/** What a set-up is to come to, checked. */
export interface SetupPlan {
  readonly accountId: string;
  readonly region: string;
  readonly partition: PartitionId;
  readonly capabilities: readonly string[];
  readonly permissionsBoundaryArn: string;
  readonly withoutStack: boolean;
  readonly callsBack: boolean;
  readonly reconnect: boolean;
  readonly principalArn: string;
}

/** Throws `REQUEST_INVALID`, which names every field, `PARTITION_MISMATCH` or `CALLBACK_NOT_CONFIDENTIAL`. */
export function planSetup(
  request: InitiateAwsTrustSetupRequest,
  settings: TrustSettings,
  principalArn: string,
): SetupPlan {
  const { accountId, region, permissionsBoundaryArn, withoutStack, reconnect } = request;
  const partition = checkPlace(accountId, region);
  const principal = parseArn(principalArn);
  const boundary = permissionsBoundaryArn === '' ? undefined : parseArn(permissionsBoundaryArn);
  const strangers = [
    ...(principal.ok && principal.value.partition !== partition
      ? [
          {
            field: 'region',
            message: `is of partition ${partition}, and the platform is in ${principal.value.partition}`,
          },
        ]
      : []),
    ...(boundary && (!boundary.ok || boundary.value.partition !== partition)
      ? [{ field: 'permissions_boundary_arn', message: `is not of partition ${partition}` }]
      : []),
    ...(boundary?.ok && !['aws', accountId].includes(boundary.value.accountId)
      ? [{ field: 'permissions_boundary_arn', message: `is of another account than ${accountId}` }]
      : []),
  ];
  refuse('PARTITION_MISMATCH', strangers);
  return {
    accountId,
    region,
    partition,
    capabilities: capabilityNames(request.capabilities),
    permissionsBoundaryArn,
    withoutStack,
    callsBack: !withoutStack && callsBack(request.callback, settings),
    reconnect,
    principalArn,
  };
}

function checkPlace(accountId: string, region: string): PartitionId {
  const account = checkAccountId(accountId);
  const place = checkRegion(region);
  refuse('REQUEST_INVALID', [
    ...(account.ok ? [] : [{ field: 'account_id', message: account.message }]),
    ...(place.ok ? [] : [{ field: 'region', message: place.message }]),
  ]);
  return findRegion(region)?.partition ?? 'aws';
}

/** A server that nobody named a public URL for is likely to be out of AWS's reach, and does without the callback. */
function callsBack(asked: AwsTrustCallback, settings: TrustSettings): boolean {
  if (asked === AwsTrustCallback.NEVER) return false;
  if (asked === AwsTrustCallback.ALWAYS && !isConfidential(settings)) {
    throw invalid(
      'CALLBACK_NOT_CONFIDENTIAL',
      `callback: its token would cross the network in the clear, since the server's public URL is ${settings.publicUrl}`,
      { hint: 'leave it to the server: --callback auto' },
    );
  }
  return asked === AwsTrustCallback.ALWAYS || (settings.publicUrlGiven && isConfidential(settings));
}

/** Whether an open set-up comes to what is planned. */
export function isSamePlan(setup: TrustSetup, plan: SetupPlan): boolean {
  return (
    setup.account_id === plan.accountId &&
    setup.region === plan.region &&
    setup.reconnect === plan.reconnect &&
    setup.without_stack === plan.withoutStack &&
    setup.calls_back === plan.callsBack &&
    setup.principal_arn === plan.principalArn &&
    setup.permissions_boundary_arn === plan.permissionsBoundaryArn &&
    readCapabilities(setup.capabilities).join() === plan.capabilities.join()
  );
}

/**
 * The account of a connection that is to get a new role, where it is another than the role's: a connection keeps its account, since whoever
 * uses it relies on that. Undefined where it is the same, or a variable, which may hold any.
 */
export function otherAccountOf(connection: ConnectionRow, accountId: string): string | undefined {
  const { spec } = readProviderSpec(connection);
  const source = Object(spec).accountId?.source;
  return source?.case === 'value' && source.value !== accountId ? source.value : undefined;
}

/** Names that no other set-up has. */
export interface SetupNames {
  readonly roleName: string;
  readonly roleArn: string;
  /** Empty without a stack. */
  readonly stackName: string;
}

const ROLE_PREFIX = 'PlantonConnect-';
const STACK_PREFIX = 'planton-connect-';
const LONGEST_ROLE = 64;
const SUFFIX = 8;

/** @param random lowercase letters and digits, at least eight */
export function nameSetup(
  { accountId, partition, withoutStack }: Pick<SetupPlan, 'accountId' | 'partition' | 'withoutStack'>,
  slug: string,
  random: string,
): SetupNames {
  const suffix = random.slice(0, SUFFIX);
  const room = LONGEST_ROLE - ROLE_PREFIX.length - SUFFIX - 1;
  const cut = slug.slice(0, room).replace(/-+$/, '');
  const roleName = `${ROLE_PREFIX}${cut}-${suffix}`;
  return {
    roleName,
    roleArn: formatRoleArn({ partition, accountId, path: '/', name: roleName }),
    stackName: withoutStack ? '' : `${STACK_PREFIX}${cut}-${suffix}`,
  };
}

function refuse(reason: string, violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw invalid(reason, violations.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    violations,
  });
}
