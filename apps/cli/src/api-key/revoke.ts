import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addApiKeyRevoke(apiKey: Command, cli: Cli): void {
  apiKey
    .command('revoke')
    .argument('<name>', 'name of the key, or its uid')
    .description('End a key for ever, everywhere within a second.')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Revoke the API key ${name} for ever?`, yes);
      await client(Identity).revokeApiKey({ org, apiKey: name });
      say(cli, `API key ${name} revoked`);
    });
}
