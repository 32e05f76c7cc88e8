import { type AwsTrustSetup, AwsTrustSetupSchema } from '@planton/api/connect/v1/aws_trust_setup';
import type { InitiateAwsTrustSetupResponse } from '@planton/api/connect/v1/connection_service';
import { type ManifestObject, type ManifestValue, toManifestObject } from '@planton/manifest';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { printValue } from '../../output/print-messages.ts';
import type { Cli } from '../../terminal/terminal.ts';

/** Prints what a role has to be, for whoever makes it with a tool of their own, such as Terraform. Policies are objects. */
export function printRole(
  cli: Cli,
  output: 'json' | 'yaml',
  setup: AwsTrustSetup,
  { role }: InitiateAwsTrustSetupResponse,
): void {
  if (!role) throw unreadable();
  const known = toManifestObject(AwsTrustSetupSchema, setup);
  const field = (name: string): ManifestObject => {
    const value = known[name];
    return value === undefined ? {} : { [name]: value };
  };
  printValue(cli, output, {
    setup_uid: setup.uid,
    ...field('connection'),
    ...field('account_id'),
    ...field('region'),
    ...field('capabilities'),
    role: {
      name: role.name,
      arn: role.arn,
      principal_arn: role.principalArn,
      external_id: role.externalId,
      trust_policy: readPolicy(role.trustPolicy),
      policies: role.policies.map(({ name, document }) => ({ name, document: readPolicy(document) })),
      max_session_duration: role.maxSessionDuration,
      ...(role.permissionsBoundaryArn === ''
        ? {}
        : { permissions_boundary_arn: role.permissionsBoundaryArn }),
    },
    ...field('expire_time'),
  });
}

function readPolicy(text: string): ManifestValue {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as ManifestValue;
  } catch {
    // Told below, without the text.
  }
  throw unreadable();
}

function unreadable(): CliError {
  return new CliError('the server described the role in a way that this CLI does not understand', {
    exitCode: exitCodes.failed,
    hint: 'is the server newer than this CLI?',
  });
}
