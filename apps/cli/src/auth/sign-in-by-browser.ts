import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Opener } from '../browser/choose-browser.ts';
import { openLink } from '../browser/open-link.ts';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { clientId, noAnswer, postForm, type Tokens, tokensOf } from '../session/ask-for-tokens.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { receiveCode } from './receive-code.ts';

/** Milliseconds that a person may take in the browser. */
const patience = 5 * 60_000;

/** What this program calls itself at the server, for the person to recognise. */
export function ownLabel(): string {
  return `planton on ${hostname()}`;
}

/**
 * Signs in with a browser on this machine: an authorisation code with PKCE, which comes back to a port of loopback.
 *
 * @returns nothing where no browser could be opened
 */
export async function signInByBrowser(
  cli: Cli,
  server: string,
  openers: readonly Opener[],
): Promise<Tokens | undefined> {
  const state = randomBytes(32).toString('base64url');
  const verifier = randomBytes(32).toString('base64url');
  const receiver = await receiveCode(state, patience);
  try {
    const link = new URL(`${server}/auth/authorize`);
    link.search = new URLSearchParams({
      response_type: 'code',
      client_id: clientId,
      redirect_uri: receiver.redirectUri,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      label: ownLabel(),
    }).toString();
    const opened = await openLink(cli, link, openers, { where: 'Planton Connect' });
    if (!opened) return undefined;
    say(cli, `sign in to ${server} in your browser, which was opened; waiting …`);
    try {
      return await exchange(server, await receiver.code, receiver.redirectUri, verifier);
    } finally {
      opened.close();
    }
  } finally {
    receiver.close();
  }
}

async function exchange(
  server: string,
  code: string,
  redirectUri: string,
  verifier: string,
): Promise<Tokens> {
  const answered = await postForm(server, '/auth/token', {
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  const tokens = tokensOf(answered);
  if (tokens) return tokens;
  if (answered.body.error !== 'invalid_grant') throw noAnswer(server, answered.status);
  throw new CliError('the server did not take the code of this sign-in', {
    exitCode: exitCodes.caller,
    hint: 'try again with: planton auth login',
  });
}
