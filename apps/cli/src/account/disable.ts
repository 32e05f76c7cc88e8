import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { openSession } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say, warn } from '../terminal/terminal.ts';
import { accountUidOf } from './account.ts';

export function addAccountDisable(account: Command, cli: Cli): void {
  account
    .command('disable')
    .argument('<email>', 'e-mail address or uid of the account')
    .description('Keep a person out, with browsers, command lines and API keys, everywhere within a second.')
    .option('-y, --yes', 'do not ask; needed where there is no terminal')
    .action((email: string, { yes }: { yes?: boolean }) => disable(cli, email, yes));
}

async function disable(cli: Cli, email: string, yes: boolean | undefined): Promise<void> {
  if (!yes && !cli.interactive)
    throw usage('disabling an account ends every sign-in of it', 'say that it is meant with --yes');
  const { client } = await openSession(cli);
  const uid = await accountUidOf(client(Identity), email);
  await confirm(cli, `Disable the account ${email} and end every sign-in of it?`, yes);
  const { ownerlessOrgs } = await client(Identity).disableAccount({ uid });
  say(cli, `account ${email} disabled; planton account enable ${email} lets it in again`);
  if (ownerlessOrgs.length > 0)
    warn(cli, `nobody is left who owns and can sign in to: ${ownerlessOrgs.join(', ')}`);
}
