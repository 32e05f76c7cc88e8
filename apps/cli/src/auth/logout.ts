import type { Command } from 'commander';
import { exitCodes } from '../errors/cli-error.ts';
import { postForm } from '../session/ask-for-tokens.ts';
import { currentSession } from '../session/open-session.ts';
import { removeApiKey } from '../settings/api-keys.ts';
import { serverOf } from '../settings/context.ts';
import { withLock } from '../settings/lock-file.ts';
import { readSession, removeSession } from '../settings/sessions.ts';
import { type Cli, say, warn } from '../terminal/terminal.ts';

export function addLogout(auth: Command, cli: Cli): void {
  auth
    .command('logout')
    .description(
      'Sign out of a server. What a browser signed in ends there too; an API key is forgotten here, and stays valid until it is revoked.',
    )
    .action(() => logout(cli));
}

async function logout(cli: Cli): Promise<void> {
  const server = await serverOf(cli);
  const session = await currentSession(cli, server);
  if (!session) {
    const removed = await removeApiKey(cli, server);
    say(cli, removed ? `signed out of ${server}` : `not signed in to ${server}`);
    return;
  }
  const told = await withLock(cli, 'sessions', async () => {
    const held = (await readSession(cli, server, session.account)) ?? session;
    await removeSession(cli, server, session.account);
    return postForm(server, '/auth/revoke', { token: held.refresh }).then(
      ({ status }) => status === 200,
      () => false,
    );
  });
  say(cli, `signed out of ${server} as ${session.account}`);
  if (told) return;
  warn(cli, 'the server could not be told: the sign-in ends there by itself, 30 days after it was last used');
  cli.exit(exitCodes.unavailable);
}
