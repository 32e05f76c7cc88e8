import type { Command } from 'commander';
import { removeApiKey } from '../settings/api-keys.ts';
import { serverOf } from '../settings/context.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addLogout(auth: Command, cli: Cli): void {
  auth
    .command('logout')
    .description('Forget the key for a server. The key itself stays valid until it is revoked.')
    .action(async () => {
      const server = await serverOf(cli);
      const removed = await removeApiKey(cli, server);
      say(cli, removed ? `signed out of ${server}` : `not signed in to ${server}`);
    });
}
