import { timingSafeEqual } from 'node:crypto';
import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { type Answer, leadTo, peerNetworkOf, withCookies } from '../pages/exchange.ts';
import { readQuery } from '../pages/read-form.ts';
import { type Refusal, recordRefusal } from '../sign-in/record-refusal.ts';
import { OIDC_START_PATH, readContinue } from '../sign-in/serve-sign-in.ts';
import { originOf, signInBrowser } from '../sign-in/sign-in-browser.ts';
import { pageRoute, type Site, sorry } from '../sign-in/site.ts';
import { takeTry } from '../sign-in/throttle-store.ts';
import { holdPerson } from '../subjects/subject-store.ts';
import { admitPerson, ENDED } from './admit-person.ts';
import type { OidcSettings } from './oidc-settings.ts';
import { beginAtProvider, finishAtProvider } from './reach-provider.ts';
import { insertDeparted, STATE_S, takeDeparted } from './state-store.ts';

const CALLBACK_PATH = '/auth/oidc/callback';
const FAILED = 'The sign-in service did not sign you in. Try again from the sign-in page.';
const AWAY = 'The sign-in service cannot be reached now. Try again in a moment.';

/** Sign-in with the provider that the operator named: code flow with PKCE, tied to the browser by a cookie that holds the state. */
export function serveOidc(site: Site, settings: OidcSettings): readonly HttpRoute[] {
  const redirectUri = `${site.publicUrl}${CALLBACK_PATH}`;

  const refuse = (request: HttpRequest, refusal: Partial<Refusal>, db = site.database.query) =>
    recordRefusal(db, originOf(site, request), { action: 'session.sign_in', how: 'oidc', ...refusal });

  const begin = async (request: HttpRequest): Promise<Answer> => {
    const next = readContinue(readQuery(request).get('continue'));
    const address = { key: `oidc:${peerNetworkOf(request)}`, free: 60, longestSeconds: 60 };
    const { wait, pause } = await takeTry(site.database.query, address);
    if (wait > 0) return sorry(429, 'Too many attempts. Try again in a minute.');
    if (pause > 0) await refuse(request, { pauses: [{ of: 'address', seconds: pause }] });
    const begun = await beginAtProvider(settings, redirectUri).catch((error: unknown) => {
      site.logger.warn({ error }, 'the OpenID provider cannot be reached');
      return undefined;
    });
    if (!begun) return sorry(503, AWAY);
    await insertDeparted(site.database.query, site.newUid(), { ...begun.checks, next });
    return withCookies(leadTo(begun.url), site.cookies.write('oidc', begun.checks.state, STATE_S));
  };

  const finish = async (request: HttpRequest): Promise<Answer> => {
    const state = readQuery(request).get('state') ?? '';
    const held = site.cookies.read(request, 'oidc') ?? '';
    const gone = site.cookies.write('oidc', undefined);
    if (!sameText(state, held)) return withCookies(sorry(400, FAILED), gone);
    const departed = await takeDeparted(site.database.query, state);
    if (!departed) return withCookies(sorry(400, FAILED), gone);
    const callback = new URL(redirectUri);
    callback.search = (request.url ?? '').split('?').slice(1).join('?');
    const claims = await finishAtProvider(settings, callback, departed).catch((error: unknown) => {
      // What the provider sent may be a token: only what is wrong with it is told.
      const { code, name } = Object(error);
      site.logger.warn({ code, name }, 'the answer of the OpenID provider was not taken');
      return undefined;
    });
    if (!claims) {
      await refuse(request, { reason: 'provider_refused' });
      return withCookies(sorry(400, FAILED), gone);
    }
    const admitted = await site.database.transact(async (tx) => {
      const admission = await admitPerson(tx, settings, claims, originOf(site, request), site.newUid);
      if (!('refused' in admission) && (await holdPerson(tx, admission.person.uid)))
        return { cookies: await signInBrowser(site, tx, request, admission.person, 'oidc') };
      const refused = 'refused' in admission ? admission : { ...ENDED, account: admission.person };
      const { reason, account } = refused;
      await refuse(request, { reason, account, details: { provider: settings.issuer, sub: claims.sub } }, tx);
      return refused;
    });
    if ('refused' in admitted) return withCookies(sorry(403, admitted.refused), gone);
    return withCookies(leadTo(departed.next), gone, ...admitted.cookies);
  };

  return [pageRoute(site, 'GET', OIDC_START_PATH, begin), pageRoute(site, 'GET', CALLBACK_PATH, finish)];
}

function sameText(given: string, held: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(held)];
  return a.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}
