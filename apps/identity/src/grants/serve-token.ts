import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { hashKey } from '../api-keys/mint-key.ts';
import { type Answer, json, peerAddressOf, peerNetworkOf, send } from '../pages/exchange.ts';
import { FormRefused, readForm, type Words } from '../pages/read-form.ts';
import type { Site } from '../sign-in/site.ts';
import { CLIENT_ID } from './client.ts';
import { closeGrant } from './close-grant.ts';
import { exchangeCode } from './exchange-code.ts';
import { findGrantBy } from './grant-store.ts';
import { isSessionAccess, isSessionRefresh } from './mint-session.ts';
import { tokenAnswer } from './open-grant.ts';
import { refreshGrant } from './refresh-grant.ts';

export const TOKEN_PATH = '/auth/token';
export const REVOKE_PATH = '/auth/revoke';

/** Requests of one address within a minute; behind a load balancer all come from one. */
const PER_ADDRESS = 300;

/** A kind of grant that the token endpoint takes: the answer, or nothing for `invalid_grant`. */
export type TakeGrant = (form: Words, peerAddress: string) => Promise<Answer | undefined>;

/** The token endpoint (RFC 6749) and that of revocation (RFC 7009), for programs. */
export function serveToken(site: Site, more: Readonly<Record<string, TakeGrant>> = {}): readonly HttpRoute[] {
  const grants: Readonly<Record<string, TakeGrant>> = {
    authorization_code: async (form, peer) => {
      const pair = await exchangeCode(site, form, peer);
      return pair && json(200, tokenAnswer(pair));
    },
    refresh_token: async (form, peer) => {
      const pair = await refreshGrant(site, form.get('refresh_token') ?? '', peer);
      return pair && json(200, tokenAnswer(pair));
    },
    ...more,
  };

  const token = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    if (form.get('client_id') !== CLIENT_ID) return json(401, { error: 'invalid_client' });
    const kind = form.get('grant_type') ?? '';
    const take = Object.hasOwn(grants, kind) ? grants[kind] : undefined;
    if (!take) return json(400, { error: 'unsupported_grant_type' });
    return (await take(form, peerAddressOf(request))) ?? json(400, { error: 'invalid_grant' });
  };

  const revoke = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    if (form.get('client_id') !== CLIENT_ID) return json(401, { error: 'invalid_client' });
    await endByCredential(site, form.get('token') ?? '', peerAddressOf(request));
    return json(200, {});
  };

  return [programRoute(site, TOKEN_PATH, token), programRoute(site, REVOKE_PATH, revoke)];
}

/** Whoever holds either credential of a grant may end it. One that is not known is no error: it is worth nothing already. */
async function endByCredential(site: Site, credential: string, peerAddress: string): Promise<void> {
  const access = isSessionAccess(credential);
  if (!access && !isSessionRefresh(credential)) return;
  const hash = hashKey(credential);
  const requestId = site.newUid();
  await site.database.transact(async (tx) => {
    const grant = await findGrantBy(tx, access ? 'session_access' : 'session_refresh', hash);
    if (grant) await closeGrant(tx, { requestId, peerAddress }, grant, 'signed_out');
  });
}

/** A route that answers programs, so many times a minute for each address. Answers no other site: there is no CORS here. */
export function programRoute(
  { logger }: Pick<Site, 'logger'>,
  path: string,
  answer: (request: HttpRequest) => Promise<Answer>,
): HttpRoute {
  const limit = new RateLimiterMemory({ points: PER_ADDRESS, duration: 60 });
  const decide = async (request: HttpRequest): Promise<Answer> => {
    const within = await limit.consume(peerNetworkOf(request)).then(
      () => true,
      () => false,
    );
    if (!within) {
      const refused = json(429, { error: 'temporarily_unavailable', error_description: 'too many requests' });
      return { ...refused, headers: { ...refused.headers, 'retry-after': '60' } };
    }
    return await answer(request);
  };
  return {
    method: 'POST',
    path,
    handle: async (request, response) => {
      try {
        send(request, response, await decide(request));
      } catch (error) {
        if (error instanceof FormRefused) {
          const { status, message } = error;
          send(request, response, json(status, { error: 'invalid_request', error_description: message }));
          return;
        }
        logger.error({ path, error }, 'a program could not be answered');
        send(request, response, json(503, { error: 'temporarily_unavailable' }));
      }
    },
  };
}
