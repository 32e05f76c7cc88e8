import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { parseCount } from '../program/parse-count.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { envHelp, type SecretOptions } from './secret.ts';

interface Options extends SecretOptions {
  readonly version: number;
}

export function addSecretRollback(secret: Command, cli: Cli): void {
  secret
    .command('rollback')
    .argument('<slug>', 'slug of the secret')
    .description('Make a new version that repeats an earlier one.')
    .requiredOption('--version <number>', 'version to repeat', parseCount)
    .option('--env <slug>', envHelp)
    .option('--if-match <etag>', 'refuse the change unless the secret still has this etag')
    .action(async (slug: string, { env: environment = '', version, ifMatch: etag = '' }: Options) => {
      const { org, client } = await openOrganization(cli);
      const rolledBack = await client(ConfigManager).rollbackSecret({
        org,
        environment,
        slug,
        version,
        etag,
      });
      const current = rolledBack.secret?.currentVersion ?? 0;
      say(cli, `secret ${slug} has version ${current} now, which repeats version ${version}`);
    });
}
