import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { parseCount } from '../program/parse-count.ts';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { envHelp, type SecretOptions } from './secret.ts';

interface Options extends SecretOptions {
  readonly version: number;
}

export function addSecretDestroy(secret: Command, cli: Cli): void {
  secret
    .command('destroy')
    .argument('<slug>', 'slug of the secret')
    .description('Erase the values of one version for ever. Not the current version of a living secret.')
    .requiredOption('--version <number>', 'version to destroy', parseCount)
    .option('--env <slug>', envHelp)
    .option('-y, --yes', 'do not ask')
    .action(async (slug: string, { env: environment = '', version, yes }: Options) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Destroy version ${version} of the secret ${slug} for ever?`, yes);
      await client(ConfigManager).destroySecretVersion({ org, environment, slug, version });
      say(cli, `version ${version} of secret ${slug} destroyed`);
    });
}
