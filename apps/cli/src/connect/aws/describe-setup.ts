import { AwsCapability } from '@planton/api/connect/v1/aws_provider_connection';
import {
  type AwsTrustSetup,
  AwsTrustSetupState,
  AwsTrustSetupWait,
} from '@planton/api/connect/v1/aws_trust_setup';
import { consoleHost, parseArn } from '@planton/aws';
import { causeFields } from '../../connection/verification.ts';
import { formatEnum } from '../../output/format-enum.ts';
import { capabilityNames } from './read-request.ts';

const waits: Readonly<Record<AwsTrustSetupWait, string>> = {
  [AwsTrustSetupWait.UNSPECIFIED]: '',
  [AwsTrustSetupWait.CALLBACK]: 'the callback of the stack; meanwhile the server tries the role by itself',
  [AwsTrustSetupWait.ROLE]:
    'the role to let the server in, which tries it by itself; no callback is expected',
  [AwsTrustSetupWait.PROPAGATION]: 'AWS to make the role known everywhere (propagating)',
  [AwsTrustSetupWait.STACK]: 'the stack to be complete',
  [AwsTrustSetupWait.PLATFORM]: 'the platform runner, or AWS, to answer',
};

/** What an open set-up waits for, in words; empty for nothing. */
export function waitOf({ wait }: AwsTrustSetup): string {
  return waits[wait] ?? '';
}

/** The state of a set-up, as `-o json` spells it. */
export function stateOf({ state }: AwsTrustSetup): string {
  return formatEnum(AwsTrustSetupState, state);
}

/** What the role may be used for, by name. A set-up that names nothing is for everything. */
export function capabilitiesOf({ capabilities }: AwsTrustSetup): readonly string[] {
  if (capabilities.length === 0) return capabilityNames;
  return capabilities
    .map((capability) => formatEnum(AwsCapability, capability))
    .filter((name) => name !== '');
}

/** What a set-up has come to, as fields of a report: the connection's details, or why there is none. */
export function reportSetup(setup: AwsTrustSetup): readonly (readonly [name: string, value: string])[] {
  const { connection, accountId, region, roleArn, externalIdSecret, stackId, message, causes } = setup;
  const completed = setup.state === AwsTrustSetupState.COMPLETED;
  const common = [
    ['connection', connection],
    ['set-up', stateOf(setup)],
    ['account', accountId],
    ['region', region],
    ['role', roleArn],
  ] as const;
  const stack = [
    ['stack', stackId],
    ['console', consoleLink(stackId)],
  ] as const;
  if (!completed) return [...common, ...stack, ['observed', message], ...causeFields(causes)];
  return [
    ...common,
    ['external ID', externalIdSecret === '' ? '' : `secret ${externalIdSecret}`],
    ['capabilities', capabilitiesOf(setup).join(', ')],
    ...stack,
  ];
}

/** Where the AWS console shows a stack; empty where it is not known. */
function consoleLink(stackId: string): string {
  const parsed = parseArn(stackId);
  if (!parsed.ok || parsed.value.region === '') return '';
  const { partition, region } = parsed.value;
  return `https://${consoleHost(partition)}/cloudformation/home?region=${region}#/stacks/stackinfo?stackId=${encodeURIComponent(stackId)}`;
}
