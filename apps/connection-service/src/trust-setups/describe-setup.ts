import type { MessageInitShape } from '@bufbuild/protobuf';
import type { InitiateAwsTrustSetupResponseSchema } from '@planton/api/connect/v1/connection_service';
import {
  type AwsCapability,
  capabilityPolicy,
  capabilityPolicyKind,
  capabilityPolicyName,
  findRegion,
  quickCreateUrl,
  stackParameters,
  trustPolicy,
} from '@planton/aws';
import { callbackUrl, type TrustSettings } from './trust-settings.ts';
import { readCapabilities, setupMessage, type TrustSetup } from './trust-setup.ts';

export interface SetupSecrets {
  readonly externalId: string;
  /** Of the callback, where the stack calls back. */
  readonly token?: string;
  readonly settings: TrustSettings;
  readonly templateUrl: string;
  readonly resumed: boolean;
}

/** Seconds that a session of the role may live: as long as a session can that another role assumed. */
export const SESSION_SECONDS = 3_600;

/** How to make the role, for whoever asked for the set-up. */
export function describeSetup(
  setup: TrustSetup,
  { externalId, token, settings, templateUrl, resumed }: SetupSecrets,
): MessageInitShape<typeof InitiateAwsTrustSetupResponseSchema> {
  const role = {
    principalArn: setup.principal_arn,
    externalId,
    roleName: setup.role_name,
    permissionsBoundaryArn: setup.permissions_boundary_arn,
    capabilities: readCapabilities(setup.capabilities) as readonly AwsCapability[],
  };
  const callback =
    token === undefined ? undefined : { url: callbackUrl(settings), setupId: setup.uid, token };
  return {
    setup: setupMessage(setup),
    resumed,
    role: describeRole(setup, externalId),
    ...(!setup.without_stack && {
      templateUrl,
      parameters: stackParameters(role),
      quickCreateUrl: quickCreateUrl({
        region: setup.region,
        templateUrl,
        stackName: setup.stack_name,
        parameters: stackParameters({ ...role, ...(callback && { callback }) }),
      }),
    }),
  };
}

function describeRole(setup: TrustSetup, externalId: string) {
  const partition = findRegion(setup.region)?.partition ?? 'aws';
  const capabilities = readCapabilities(setup.capabilities) as readonly AwsCapability[];
  return {
    name: setup.role_name,
    arn: setup.role_arn,
    principalArn: setup.principal_arn,
    externalId,
    trustPolicy: JSON.stringify(trustPolicy({ principalArn: setup.principal_arn, externalId })),
    policies: capabilities.map((name) => ({
      name: capabilityPolicyName(name),
      managed: capabilityPolicyKind(name) === 'managed',
      document: JSON.stringify(capabilityPolicy(name, { partition, accountId: setup.account_id })),
    })),
    maxSessionDuration: SESSION_SECONDS,
    permissionsBoundaryArn: setup.permissions_boundary_arn,
  };
}
