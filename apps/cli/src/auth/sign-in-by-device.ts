import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, exitCodes, ServerUnreachable } from '../errors/cli-error.ts';
import { cleanText } from '../output/clean-text.ts';
import { type Answered, noAnswer, postForm, type Tokens, tokensOf } from '../session/ask-for-tokens.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { ownLabel } from './sign-in-by-browser.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';

/** Seconds by which the pause grows when the server says that it is asked too often (RFC 8628, section 3.5). */
const slowDownBy = 5;
/** Bounds on what a server may say, in seconds. */
const shortestPause = 1;
const longestPause = 60;
const longestWait = 1800;

/** What to do about an answer of the token endpoint. */
export type Step =
  | { readonly tokens: Tokens }
  | { readonly pause: number }
  | { readonly ended: 'refused' | 'expired' | 'strange' };

/** Decides how the wait goes on; `pause` is the one before, in seconds. */
export function decideStep(answered: Answered, pause: number): Step {
  const tokens = tokensOf(answered);
  if (tokens) return { tokens };
  if (answered.status === 429 || answered.status >= 500) return { pause: Math.min(longestPause, pause * 2) };
  switch (answered.body.error) {
    case 'authorization_pending':
      return { pause };
    case 'slow_down':
      return { pause: Math.min(longestPause, pause + slowDownBy) };
    case 'access_denied':
      return { ended: 'refused' };
    case 'expired_token':
    case 'invalid_grant':
      return { ended: 'expired' };
    default:
      return { ended: 'strange' };
  }
}

/** Signs in where there is no browser: shows a code, which the person types on a page of the server, anywhere. */
export async function signInByDevice(cli: Cli, server: string): Promise<Tokens> {
  const { status, body } = await postForm(server, '/auth/device_authorization', { label: ownLabel() });
  const { device_code: deviceCode, user_code: userCode, verification_uri: page } = body;
  if (
    status !== 200 ||
    typeof deviceCode !== 'string' ||
    typeof userCode !== 'string' ||
    typeof page !== 'string'
  )
    throw noAnswer(server, status);
  const until = performance.now() + 1000 * within(body.expires_in, 1, longestWait, 600);
  say(cli, `open ${cleanText(page)} in a browser, and type this code:\n\n  ${cleanText(userCode)}\n`);

  let pause = within(body.interval, shortestPause, longestPause, 5);
  while (performance.now() < until) {
    await sleep(pause * 1000);
    const answered = await ask(server, deviceCode);
    const step: Step = answered ? decideStep(answered, pause) : { pause: Math.min(longestPause, pause * 2) };
    if ('tokens' in step) return step.tokens;
    if ('ended' in step) {
      if (step.ended === 'strange') throw noAnswer(server, answered?.status ?? 0);
      throw step.ended === 'refused' ? refused() : expired();
    }
    pause = step.pause;
  }
  throw expired();
}

/** Undefined where the server cannot be reached for now: the code is good for minutes. */
async function ask(server: string, deviceCode: string): Promise<Answered | undefined> {
  try {
    return await postForm(server, '/auth/token', { grant_type: grantType, device_code: deviceCode });
  } catch (error) {
    if (error instanceof ServerUnreachable) return undefined;
    throw error;
  }
}

function within(given: unknown, least: number, most: number, otherwise: number): number {
  return typeof given === 'number' && Number.isFinite(given)
    ? Math.min(most, Math.max(least, given))
    : otherwise;
}

function refused(): CliError {
  return new CliError('the sign-in was refused in the browser', {
    exitCode: exitCodes.caller,
    hint: 'planton auth login',
  });
}

function expired(): CliError {
  return new CliError('nobody typed the code in time', {
    exitCode: exitCodes.failed,
    hint: 'try again with: planton auth login --device',
  });
}
