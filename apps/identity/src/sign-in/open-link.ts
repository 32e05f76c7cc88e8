import type { HttpRequest } from '@planton/rpc';
import { hashKey } from '../api-keys/mint-key.ts';
import { type Answer, peerNetworkOf } from '../pages/exchange.ts';
import { recordRefusal } from './record-refusal.ts';
import { tooMany } from './serve-sign-in.ts';
import { originOf } from './sign-in-browser.ts';
import { type Site, sorry } from './site.ts';
import { forgiveFailure, takeTry } from './throttle-store.ts';

/** 32 bytes in base64url. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The token of a link: 256 random bits. */
export function mintLinkToken(randomBytes: (size: number) => Buffer): string {
  return randomBytes(32).toString('base64url');
}

/**
 * What a link that somebody came with is for, by the hash of its token, or what to answer instead. A look counts as a guess until it is
 * right: sixty of an address are free, then each doubles the pause up to a minute, and each pause is on record.
 *
 * @param kind of the link, which its guesses are counted under
 * @param gone the answer for every reason that a link can have not to be good
 */
export async function openLink<T>(
  site: Site,
  request: HttpRequest,
  kind: string,
  token: string,
  find: (hash: Buffer) => Promise<T | undefined>,
  gone: () => Answer,
): Promise<{ readonly found: T; readonly hash: Buffer } | { readonly refused: Answer }> {
  const { query } = site.database;
  const throttle = { key: `${kind}:${peerNetworkOf(request)}`, free: 60, longestSeconds: 60 };
  const { wait, pause } = await takeTry(query, throttle);
  if (wait > 0) {
    const { status, problem } = tooMany(wait);
    return { refused: sorry(status, problem) };
  }
  const hash = hashKey(token);
  const found = TOKEN.test(token) ? await find(hash) : undefined;
  if (found === undefined) {
    const pauses = [{ of: 'address', seconds: pause }] as const;
    await recordRefusal(query, originOf(site, request), {
      action: 'session.sign_in',
      how: `${kind}_link`,
      pauses,
    });
    return { refused: gone() };
  }
  await forgiveFailure(query, throttle.key);
  return { found, hash };
}
