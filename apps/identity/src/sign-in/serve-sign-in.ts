import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { hashKey } from '../api-keys/mint-key.ts';
import { recordAudit } from '../audit/audit-store.ts';
import { type Answer, leadTo, peerNetworkOf, withCookies } from '../pages/exchange.ts';
import { readForm } from '../pages/read-form.ts';
import { type Html, html } from '../pages/render-page.ts';
import { deleteBrowserSession } from './browser-session-store.ts';
import { findByEmail, holdPassword } from './person-store.ts';
import { readEmail } from './read-person.ts';
import { type Refusal, recordRefusal } from './record-refusal.ts';
import { actorOf, originOf, signInBrowser } from './sign-in-browser.ts';
import { formPage, pageRoute, personOf, type Site } from './site.ts';
import { forgetFailures, forgiveFailure, type Throttle, takeTry } from './throttle-store.ts';

export const SIGN_IN_PATH = '/auth/sign-in';
export const SIGN_OUT_PATH = '/auth/sign-out';
export const OIDC_START_PATH = '/auth/oidc/start';
export const ACCOUNT_PATH = '/auth/account';

/** Pages that a sign-in may lead back to: ours, and no other. */
const CONTINUE_PATHS = ['/auth/authorize', '/auth/device', '/auth/invitation', ACCOUNT_PATH];
const LONGEST_CONTINUE = 4096;

const WRONG = 'E-mail or password is wrong.';

/** Sign-in with a password, the page of whoever is signed in, and sign-out. */
export function serveSignIn(site: Site): readonly HttpRoute[] {
  const signIn = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const next = readContinue(form.get('continue'));
    const address = form.get('email') ?? '';
    const email = readEmail(address) ?? '';
    const { account, peer } = throttlesOf(email, peerNetworkOf(request));
    const { query } = site.database;
    // The address first: whoever is put off there makes no account wait, and leaves no trace of its own for each.
    const ofPeer = await takeTry(query, peer);
    if (ofPeer.wait > 0) return signInPage(site, request, next, { ...tooMany(ofPeer.wait), email: address });
    const ofAccount = await takeTry(query, account);
    const refused = (refusal: Pick<Refusal, 'reason' | 'account'>) =>
      recordRefusal(query, originOf(site, request), {
        action: 'session.sign_in',
        how: 'password',
        ...refusal,
        pauses: [
          { of: 'account', seconds: ofAccount.pause },
          { of: 'address', seconds: ofPeer.pause },
        ],
      });
    if (ofAccount.wait > 0) {
      await refused({});
      return signInPage(site, request, next, { ...tooMany(ofAccount.wait), email: address });
    }
    const found = await findByEmail(query, email);
    const right = await site.passwords.verify(form.get('password') ?? '', found?.password ?? undefined);
    const wrong = async (reason: string) => {
      await refused({ reason, account: found });
      return signInPage(site, request, next, { status: 401, problem: WRONG, email: address });
    };
    if (!found) return wrong('unknown_account');
    if (!right) return wrong('wrong_password');
    if (found.disabled) return wrong('account_disabled');
    await forgetFailures(query, account.key);
    await forgiveFailure(query, peer.key);
    const cookies = await site.database.transact(async (tx) =>
      (await holdPassword(tx, found)) ? signInBrowser(site, tx, request, found, 'password') : undefined,
    );
    if (!cookies) return wrong('account_changed');
    return withCookies(leadTo(next), ...cookies);
  };

  const signOut = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const token = site.cookies.read(request, 'session');
    const person = await personOf(site, request);
    if (token !== undefined && person) {
      await site.database.transact(async (tx) => {
        await deleteBrowserSession(tx, token);
        await recordAudit(tx, '', actorOf(site, request, person), {
          action: 'session.sign_out',
          resource: { kind: 'user', uid: person.uid, slug: person.name },
        });
      });
    }
    const next = form.has('continue') ? readContinue(form.get('continue')) : SIGN_IN_PATH;
    return withCookies(leadTo(next), site.cookies.write('session', undefined));
  };

  const account = async (request: HttpRequest): Promise<Answer> => {
    const person = await personOf(site, request);
    if (!person) return leadTo(SIGN_IN_PATH);
    return formPage(site, request, {
      title: 'You are signed in',
      content: (
        token,
      ) => html`<dl><dt>Name</dt><dd>${person.name}</dd><dt>E-mail</dt><dd>${person.email}</dd></dl>
<p class="soft">On the command line sign in with: <code>planton auth login</code></p>
<form method="post" action="${SIGN_OUT_PATH}">${token}<button class="quiet">Sign out of this browser</button></form>`,
    });
  };

  return [
    pageRoute(site, 'GET', SIGN_IN_PATH, async (request) =>
      (await personOf(site, request)) ? leadTo(ACCOUNT_PATH) : signInPage(site, request, ACCOUNT_PATH),
    ),
    pageRoute(site, 'POST', SIGN_IN_PATH, signIn),
    pageRoute(site, 'POST', SIGN_OUT_PATH, signOut),
    pageRoute(site, 'GET', ACCOUNT_PATH, account),
  ];
}

/** The page that asks who it is, and leads on to `next` afterwards. */
export function signInPage(
  site: Site,
  request: HttpRequest,
  next: string,
  shown: {
    readonly status?: number;
    readonly problem?: string;
    readonly email?: string;
    /** What it is for. */
    readonly intro?: Html;
  } = {},
): Answer {
  return formPage(site, request, {
    title: 'Sign in',
    ...(shown.status === undefined ? {} : { status: shown.status }),
    problem: shown.problem,
    content: (
      token,
      alert,
    ) => html`${shown.intro}${alert}<form method="post" action="${SIGN_IN_PATH}">${token}<input type="hidden" name="continue" value="${next}">
<label for="email">E-mail</label><input id="email" name="email" type="email" required maxlength="254" autocomplete="username"${focus(!shown.email)} value="${shown.email ?? ''}">
<label for="password">Password</label><input id="password" name="password" type="password" required maxlength="256" autocomplete="current-password"${focus(Boolean(shown.email))}>
<button>Sign in</button></form>${singleSignOn(site, next)}`,
  });
}

function focus(wanted: boolean): Html | undefined {
  return wanted ? html` autofocus` : undefined;
}

/** The way to the OpenID provider, where there is one. */
export function singleSignOn({ oidc }: Site, next: string): Html | undefined {
  if (!oidc) return undefined;
  const link = `${OIDC_START_PATH}?${new URLSearchParams({ continue: next })}`;
  return html`<a class="button quiet" href="${link}">Continue with ${new URL(oidc.issuer).host}</a>`;
}

/** Where a sign-in leads: a page of ours that the form names, else the account's. Never another site. */
export function readContinue(text: string | undefined): string {
  if (text === undefined || text.length > LONGEST_CONTINUE || !/^\/[!-~]*$/.test(text)) return ACCOUNT_PATH;
  const url = URL.parse(text, 'http://here.invalid');
  if (url?.origin !== 'http://here.invalid' || !CONTINUE_PATHS.includes(url.pathname)) return ACCOUNT_PATH;
  return `${url.pathname}${url.search}`;
}

/** Five mistakes of an account and twenty of an address are free; then each doubles the pause. */
function throttlesOf(
  email: string,
  address: string,
): { readonly account: Throttle; readonly peer: Throttle } {
  const account = hashKey(email).toString('base64url');
  return {
    account: { key: `account:${account}`, free: 5, longestSeconds: 300 },
    peer: { key: `address:${address}`, free: 20, longestSeconds: 900 },
  };
}

export function tooMany(seconds: number): { readonly status: number; readonly problem: string } {
  const wait = seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return { status: 429, problem: `Too many attempts. Try again in ${wait}.` };
}
