import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { printList, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { type SecretOptions, secrets } from './secret.ts';

interface Options extends SecretOptions {
  readonly deleted?: boolean;
}

export function addSecretList(secret: Command, cli: Cli): void {
  const command = secret
    .command('list')
    .description('List the secrets of the organisation, or of one environment, without their values.')
    .option('--env <slug>', 'environment; the organisation if left out')
    .option('--deleted', 'list deleted secrets as well');
  withOutput(command).action(async (options: Options) => {
    const { org, client } = await openOrganization(cli);
    const { env: environment = '', deleted: showDeleted = false } = options;
    const items = await listAll(
      (page) => client(ConfigManager).listSecrets({ org, environment, showDeleted, ...page }),
      (page) => page.secrets,
    );
    printList(cli, options, secrets, items, 'no secret here; set one with: planton secret set SLUG value=…');
  });
}
