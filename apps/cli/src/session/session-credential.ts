import { CliError, exitCodes } from '../errors/cli-error.ts';
import { withLock } from '../settings/lock-file.ts';
import { readSession, removeSession, type StoredSession, storeSession } from '../settings/sessions.ts';
import type { Surroundings } from '../terminal/terminal.ts';
import { noAnswer, postForm, type Tokens, tokensOf } from './ask-for-tokens.ts';

/** Milliseconds before its end at which a credential is renewed rather than used. */
const RENEW_BEFORE_MS = 60_000;

/** A session as it is stored, from what the server gave. */
export function sessionFrom(cli: Surroundings, account: string, tokens: Tokens): StoredSession {
  const { access, refresh, lifetime } = tokens;
  return { account, access, refresh, accessEnd: cli.now().getTime() + lifetime * 1000 };
}

/**
 * A credential of the session that is good for a while, renewed where it has to be. One process at a time renews, since a refresh
 * credential works once; the others use what that one stored.
 */
export async function sessionCredential(cli: Surroundings, server: string, account: string): Promise<string> {
  const isGood = ({ accessEnd }: StoredSession) => accessEnd - RENEW_BEFORE_MS > cli.now().getTime();
  const stored = await readSession(cli, server, account);
  if (stored && isGood(stored)) return stored.access;
  return withLock(cli, 'sessions', async () => {
    const held = await readSession(cli, server, account);
    if (!held) throw signInEnded(server);
    if (isGood(held)) return held.access;
    const answered = await postForm(server, '/auth/token', {
      grant_type: 'refresh_token',
      refresh_token: held.refresh,
    });
    const tokens = tokensOf(answered);
    if (tokens) {
      await storeSession(cli, server, sessionFrom(cli, account, tokens), false);
      return tokens.access;
    }
    if (answered.body.error !== 'invalid_grant') throw noAnswer(server, answered.status);
    await removeSession(cli, server, account);
    throw signInEnded(server);
  });
}

function signInEnded(server: string): CliError {
  return new CliError(`your sign-in at ${server} has ended`, {
    exitCode: exitCodes.caller,
    hint: 'sign in with: planton auth login',
  });
}
