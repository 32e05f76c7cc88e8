import { AwsCapability } from '@planton/api/connect/v1/aws_provider_connection';
import {
  AwsTrustCallback,
  type InitiateAwsTrustSetupRequest,
} from '@planton/api/connect/v1/connection_service';
import { checkAccountId, checkRegion, parseArn } from '@planton/aws';
import { nearest } from '@planton/manifest';
import { usage } from '../../errors/cli-error.ts';
import type { Callback, ConnectOptions } from './options.ts';

type Request = Omit<InitiateAwsTrustSetupRequest, 'org' | '$typeName' | '$unknown'>;

/** The region of the connection and of the stack where none is named. */
export const defaultRegion = 'us-west-2';

const capabilities = new Map(
  Object.entries(AwsCapability).flatMap(([name, capability]) =>
    typeof capability === 'number' && capability !== AwsCapability.UNSPECIFIED
      ? [[name.toLowerCase(), capability as AwsCapability] as const]
      : [],
  ),
);

/** Names of the capabilities, as commands take them. */
export const capabilityNames: readonly string[] = [...capabilities.keys()];

const callbacks: Readonly<Record<Callback, AwsTrustCallback>> = {
  auto: AwsTrustCallback.UNSPECIFIED,
  always: AwsTrustCallback.ALWAYS,
  never: AwsTrustCallback.NEVER,
};

/** Checks what was typed, as far as no server is needed for it. */
export function readRequest(options: ConnectOptions): Request {
  const { name, accountId, region = defaultRegion, callback, reconnect = false } = options;
  const withoutStack = !options.stack || options.output === 'json' || options.output === 'yaml';
  if (name.trim() === '') throw usage('--name is empty', 'name the connection, for example --name prod-aws');
  const account = checkAccountId(accountId);
  if (!account.ok)
    throw usage(
      `--account-id: ${account.message}`,
      'the AWS console shows it below your name, at the upper right',
    );
  const known = checkRegion(region);
  if (!known.ok) throw usage(`--region: ${known.message}`, `for example --region ${defaultRegion}`);
  if (withoutStack && callback !== 'auto')
    throw usage('--callback is about the stack, and there is none', 'leave --callback out');
  return {
    name,
    accountId,
    region,
    capabilities: readCapabilities(options.capabilities),
    reconnect,
    callback: callbacks[callback],
    withoutStack,
    permissionsBoundaryArn: readBoundary(options.permissionsBoundary),
  };
}

/** An empty list is refused: it would be all of them. */
function readCapabilities(names: readonly string[] | undefined): AwsCapability[] {
  if (names?.length === 0)
    throw usage(
      '--capabilities is empty',
      `name some of ${capabilityNames.join(', ')}, or leave it out for all`,
    );
  const chosen = (names ?? []).map((name) => {
    const capability = capabilities.get(name.toLowerCase());
    if (capability === undefined) throw usage(`unknown capability ${name}`, suggestCapability(name));
    return capability;
  });
  return [...new Set(chosen)];
}

function suggestCapability(name: string): string {
  const word = name.toLowerCase().replaceAll('-', '_');
  const close =
    nearest(word, capabilityNames) ??
    capabilityNames.find((known) => word !== '' && known.split('_').includes(word));
  return close ? `did you mean \`${close}\`?` : `the capabilities are ${capabilityNames.join(', ')}`;
}

function readBoundary(arn: string | undefined): string {
  if (arn === undefined) return '';
  const parsed = parseArn(arn);
  const hint = 'for example --permissions-boundary arn:aws:iam::123456789012:policy/boundary';
  if (!parsed.ok) throw usage(`--permissions-boundary: ${parsed.message}`, hint);
  const { service, resource } = parsed.value;
  if (service !== 'iam' || !resource.startsWith('policy/'))
    throw usage('--permissions-boundary: is not the ARN of a managed policy', hint);
  return arn;
}
