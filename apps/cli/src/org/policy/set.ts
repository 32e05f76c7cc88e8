import { create } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import {
  type OrganizationPolicy,
  OrganizationPolicySchema,
} from '@planton/api/connect/v1/organization_policy';
import { type Command, Option } from 'commander';
import { usage } from '../../errors/cli-error.ts';
import { type OutputOptions, printOne, withOutput } from '../../output/print-messages.ts';
import { parseDuration } from '../../program/parse-duration.ts';
import { splitList } from '../../program/split-list.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';
import { policies } from './policy.ts';

interface Options extends OutputOptions {
  readonly requireAuthorization?: 'true' | 'false';
  readonly maxSessionDuration?: string;
  readonly allowedRegions?: readonly string[];
  readonly forbidInlineKeysIn?: readonly string[];
}

export function addPolicySet(policy: Command, cli: Cli): void {
  const command = policy
    .command('set')
    .description(
      'Change what the organisation demands of the use of its connections. What is left out stays.',
    )
    .addOption(
      new Option('--require-authorization <bool>', 'whether a connection needs an authorisation').choices([
        'true',
        'false',
      ]),
    )
    .option('--max-session-duration <duration>', 'how long a session may last, such as 1h; "" for no limit')
    .option('--allowed-regions <regions>', 'regions, separated by commas; "" for all', splitList)
    .option(
      '--forbid-inline-keys-in <slugs>',
      'environments that get no inline keys, separated by commas; "" for none',
      splitList,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton org policy set --require-authorization true --max-session-duration 1h\n  $ planton org policy set --forbid-inline-keys-in production',
    );
  withOutput(command).action((options: Options) => set(cli, options));
}

async function set(cli: Cli, options: Options): Promise<void> {
  const { requireAuthorization, maxSessionDuration, allowedRegions, forbidInlineKeysIn } = options;
  if (
    [requireAuthorization, maxSessionDuration, allowedRegions, forbidInlineKeysIn].every(
      (each) => each === undefined,
    )
  )
    throw usage('nothing to change was given');
  const limit = maxSessionDuration ? parseDuration(maxSessionDuration) : undefined;
  const { org, client } = await openOrganization(cli);
  const { policy = create(OrganizationPolicySchema) } = await client(ConnectionService).getOrganizationPolicy(
    { org },
  );
  const changed: OrganizationPolicy = { ...policy };
  if (requireAuthorization !== undefined) changed.requireAuthorization = requireAuthorization === 'true';
  if (maxSessionDuration !== undefined) delete changed.maxSessionDuration;
  if (limit !== undefined) changed.maxSessionDuration = create(DurationSchema, { seconds: limit });
  if (allowedRegions !== undefined) changed.allowedRegions = [...allowedRegions];
  if (forbidInlineKeysIn !== undefined) changed.inlineKeysForbiddenIn = [...forbidInlineKeysIn];
  const answer = await client(ConnectionService).setOrganizationPolicy({ org, policy: changed });
  if (answer.policy) printOne(cli, options, policies, answer.policy);
}
