import { AccountSchema } from '@planton/api/identity/v1/account';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { cleanText } from '../output/clean-text.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { openSession } from '../session/open-session.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';
import { accountUidOf } from './account.ts';

export function addAccountPasswordLink(account: Command, cli: Cli): void {
  const command = account
    .command('password-link')
    .argument('<email>', 'e-mail address or uid of the account')
    .description('Make a link that sets a new password of an account, and print it, this once.')
    .addHelpText(
      'after',
      '\nThe server sends no mail: pass the link on yourself. The new password ends every sign-in of the account; API keys stay.',
    );
  withOutput(command).action((email: string, options: OutputOptions) => makeLink(cli, email, options));
}

async function makeLink(cli: Cli, email: string, { output }: OutputOptions): Promise<void> {
  const { client } = await openSession(cli);
  const uid = await accountUidOf(client(Identity), email);
  const { link, expireTime, account } = await client(Identity).createPasswordLink({ uid });
  const end = formatTime(expireTime);
  if (output === 'json' || output === 'yaml') {
    const facts = account ? toManifestObject(AccountSchema, account) : {};
    printValue(cli, output, { ...facts, link, expire_time: end });
    return;
  }
  say(
    cli,
    `link for ${cleanText(account?.email ?? email)} to set a new password, good once until ${end}; it cannot be shown again:`,
  );
  print(cli, link);
  say(cli, 'send it to nobody else: whoever opens it gets into the account');
}
