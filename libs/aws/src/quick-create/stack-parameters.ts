import { AWS_CAPABILITIES, type AwsCapability, capabilityParameter } from '../template/capability.ts';

/** By name, as CloudFormation takes them: every value is text. */
export type StackParameters = Readonly<Record<string, string>>;

/** What a stack of the template is made with. Parameters that would be empty are left out; that is their default. */
export function stackParameters(stack: {
  readonly principalArn: string;
  readonly externalId: string;
  readonly roleName: string;
  /** ARN of a managed policy; empty or absent for none. */
  readonly permissionsBoundaryArn?: string;
  /** In seconds; the template's default is an hour. */
  readonly maxSessionDuration?: number;
  /** Those that are not listed are switched off. */
  readonly capabilities: readonly AwsCapability[];
  /** Absent for a stack without the function that calls back. */
  readonly callback?: { readonly url: string; readonly setupId: string; readonly token: string };
}): StackParameters {
  const { callback } = stack;
  return {
    PlatformPrincipalArn: stack.principalArn,
    ExternalId: stack.externalId,
    RoleName: stack.roleName,
    ...(stack.permissionsBoundaryArn ? { PermissionsBoundaryArn: stack.permissionsBoundaryArn } : {}),
    ...(stack.maxSessionDuration === undefined
      ? {}
      : { MaxSessionDuration: String(stack.maxSessionDuration) }),
    ...Object.fromEntries(
      AWS_CAPABILITIES.map((name) => [capabilityParameter(name), String(stack.capabilities.includes(name))]),
    ),
    ...(callback
      ? { CallbackUrl: callback.url, SetupId: callback.setupId, CallbackToken: callback.token }
      : {}),
  };
}
