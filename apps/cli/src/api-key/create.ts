import { ApiKeySchema } from '@planton/api/identity/v1/api_key';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { toManifestObject } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { formatRole, roleNames, roleOf } from '../output/format-role.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { parseDuration } from '../program/parse-duration.ts';
import { splitList } from '../program/split-list.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';

interface Options extends OutputOptions {
  readonly name: string;
  readonly role?: string;
  readonly serviceAccount?: string;
  readonly expires?: string;
  readonly environments?: readonly string[];
}

export function addApiKeyCreate(apiKey: Command, cli: Cli): void {
  const command = apiKey
    .command('create')
    .description(
      'Create an API key and print it, this once. With --role it is the key of a service account of that name.',
    )
    .requiredOption('--name <name>', 'name of the key')
    .addOption(new Option('--role <role>', 'role of the service account').choices(roleNames))
    .addOption(
      new Option('--service-account <slug>', 'makes it a key of a service account that exists').conflicts([
        'role',
        'environments',
      ]),
    )
    .option('--expires <duration>', 'how long it lives, such as 90d or 12h; for ever if left out')
    .option(
      '--environments <slugs>',
      'with --role: environments that the role covers, separated by commas',
      splitList,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton api-key create --name laptop --expires 90d\n  $ planton api-key create --name ci --role deployer --environments production > ci.key\n  $ planton api-key create --name blue --service-account ci',
    );
  withOutput(command).action((options: Options) => create(cli, options));
}

async function create(cli: Cli, options: Options): Promise<void> {
  const { name, role, serviceAccount, expires, environments = [], output } = options;
  const lifetime = expires === undefined ? {} : { lifetime: { seconds: parseDuration(expires), nanos: 0 } };
  const { org, client } = await openOrganization(cli);
  const { apiKey, key } = await client(Identity).createApiKey({
    org,
    name,
    role: roleOf(role ?? ''),
    serviceAccount: serviceAccount ?? '',
    environments: [...environments],
    ...lifetime,
  });
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, { ...(apiKey ? toManifestObject(ApiKeySchema, apiKey) : {}), key });
    return;
  }
  const end = apiKey?.expireTime ? `until ${formatTime(apiKey.expireTime)}` : 'without an end';
  const whose =
    apiKey && (role || serviceAccount)
      ? ` of the service account ${apiKey.subjectName} (${formatRole(apiKey.role)})`
      : '';
  say(cli, `API key ${name}${whose}, valid ${end}; it cannot be shown again:`);
  print(cli, key);
}
