import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { openSession } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { accountUidOf } from './account.ts';

export function addAccountEnable(account: Command, cli: Cli): void {
  account
    .command('enable')
    .argument('<email>', 'e-mail address or uid of the account')
    .description('Let a person in again, who has to sign in anew. Their API keys are good again.')
    .action(async (email: string) => {
      const { client } = await openSession(cli);
      const uid = await accountUidOf(client(Identity), email);
      await client(Identity).enableAccount({ uid });
      say(cli, `account ${email} enabled; its sign-ins stay ended`);
    });
}
