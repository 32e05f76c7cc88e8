import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { envHelp, type SecretOptions } from './secret.ts';

export function addSecretDelete(secret: Command, cli: Cli): void {
  secret
    .command('delete')
    .argument('<slug>', 'slug of the secret')
    .description('Delete a secret; undelete brings it back. Refused while something refers to it.')
    .option('--env <slug>', envHelp)
    .option('--if-match <etag>', 'refuse the deletion unless the secret still has this etag')
    .option('-y, --yes', 'do not ask')
    .action(async (slug: string, { env: environment = '', ifMatch: etag = '', yes }: SecretOptions) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Delete the secret ${slug}?`, yes);
      await client(ConfigManager).deleteSecret({ org, environment, slug, etag });
      say(cli, `secret ${slug} deleted; bring it back with: planton secret undelete ${slug}`);
    });
}
