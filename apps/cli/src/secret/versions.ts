import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { type SecretVersion, SecretVersionSchema, SecretVersionState } from '@planton/api/config/v1/secret';
import type { Command } from 'commander';
import { formatTime } from '../output/format-time.ts';
import { type Printable, printList, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { envHelp, type SecretOptions } from './secret.ts';

const versions: Printable<SecretVersion> = {
  schema: SecretVersionSchema,
  columns: [
    ['VERSION', ({ version }) => String(version)],
    ['STATE', ({ state }) => (state === SecretVersionState.DESTROYED ? 'destroyed' : 'enabled')],
    ['KEYS', ({ keys }) => keys.join(', ')],
    ['REPEATS', ({ rolledBackTo }) => (rolledBackTo === 0 ? '' : String(rolledBackTo))],
    ['CREATED', ({ createTime }) => formatTime(createTime)],
    ['BY', ({ createdBy }) => createdBy],
  ],
};

export function addSecretVersions(secret: Command, cli: Cli): void {
  const command = secret
    .command('versions')
    .argument('<slug>', 'slug of the secret')
    .description('List the versions of a secret, newest first.')
    .option('--env <slug>', envHelp);
  withOutput(command).action(async (slug: string, options: SecretOptions) => {
    const { org, client } = await openOrganization(cli);
    const { env: environment = '' } = options;
    const items = await listAll(
      (page) => client(ConfigManager).listSecretVersions({ org, environment, slug, ...page }),
      (page) => page.versions,
    );
    printList(cli, options, versions, items, `secret ${slug} has no version`);
  });
}
