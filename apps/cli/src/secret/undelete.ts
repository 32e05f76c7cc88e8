import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { envHelp, type SecretOptions } from './secret.ts';

export function addSecretUndelete(secret: Command, cli: Cli): void {
  secret
    .command('undelete')
    .argument('<slug>', 'slug of the secret')
    .description('Bring back the secret that was deleted last under a slug.')
    .option('--env <slug>', envHelp)
    .action(async (slug: string, { env: environment = '' }: SecretOptions) => {
      const { org, client } = await openOrganization(cli);
      await client(ConfigManager).undeleteSecret({ org, environment, slug });
      say(cli, `secret ${slug} is back`);
    });
}
