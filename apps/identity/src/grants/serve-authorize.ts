import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { hashKey } from '../api-keys/mint-key.ts';
import { type Answer, leadTo } from '../pages/exchange.ts';
import { readForm, readQuery, type Words } from '../pages/read-form.ts';
import { html } from '../pages/render-page.ts';
import { SIGN_OUT_PATH, signInPage } from '../sign-in/serve-sign-in.ts';
import { formPage, holdPersonOf, pageRoute, personOf, type Site, sorry } from '../sign-in/site.ts';
import { CLIENT_ID, isRedirectUri, labelOf } from './client.ts';
import { insertCode } from './code-store.ts';

export const AUTHORIZE_PATH = '/auth/authorize';

/** What a program asks for, checked. */
interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly state: string;
  readonly codeChallenge: string;
  readonly label: string;
}

type Read =
  | { readonly request: AuthorizationRequest }
  /** What may not be told to the redirect, since that is not known to be the program's. */
  | { readonly page: string }
  | { readonly redirect: string };

/**
 * The authorisation endpoint (RFC 6749 with PKCE): asks whoever is signed in whether the program may act in their name, and leads on to
 * the program on this machine. Nothing is granted by a GET.
 */
export function serveAuthorize(site: Site): readonly HttpRoute[] {
  const ask = async (request: HttpRequest): Promise<Answer> => {
    const read = readRequest(site.publicUrl, readQuery(request));
    if ('page' in read) return sorry(400, read.page);
    if ('redirect' in read) return leadTo(read.redirect);
    const here = pathOf(read.request);
    const person = await personOf(site, request);
    if (!person) return signInPage(site, request, here);
    const { label, redirectUri } = read.request;
    return formPage(site, request, {
      title: 'Sign in on the command line?',
      formTarget: new URL(redirectUri).origin,
      content: (token) => html`<p>The command line on this computer asks to act in your name.</p>
<dl><dt>Program</dt><dd>${label}</dd><dt>Signed in as</dt><dd>${person.name} (${person.email})</dd></dl>
<p class="soft">Go on only if you have just run <code>planton auth login</code> here.</p>
<form method="post" action="${AUTHORIZE_PATH}">${token}${fieldsOf(read.request)}
<button name="answer" value="yes">Allow</button><button class="quiet" name="answer" value="no">Cancel</button></form>
<form method="post" action="${SIGN_OUT_PATH}">${token}<button class="quiet">Sign in as somebody else</button></form>`,
    });
  };

  const decide = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const read = readRequest(site.publicUrl, form);
    if ('page' in read) return sorry(400, read.page);
    if ('redirect' in read) return leadTo(read.redirect);
    const person = await personOf(site, request);
    if (!person) return signInPage(site, request, pathOf(read.request));
    const { redirectUri, state, codeChallenge, label } = read.request;
    if (form.get('answer') !== 'yes')
      return leadTo(back(site, redirectUri, { error: 'access_denied', state }));
    const code = site.randomBytes(32).toString('base64url');
    const given = await site.database.transact(async (tx) => {
      const held = await holdPersonOf(site, tx, request);
      if (held)
        await insertCode(tx, hashKey(code), { subjectUid: held.uid, redirectUri, codeChallenge, label });
      return held !== undefined;
    });
    if (!given) return signInPage(site, request, pathOf(read.request));
    return leadTo(back(site, redirectUri, { code, state }));
  };

  return [pageRoute(site, 'GET', AUTHORIZE_PATH, ask), pageRoute(site, 'POST', AUTHORIZE_PATH, decide)];
}

function readRequest(publicUrl: string, words: Words): Read {
  const redirectUri = words.get('redirect_uri') ?? '';
  if (words.get('client_id') !== CLIENT_ID) return { page: 'The program that asks is not known here.' };
  if (!isRedirectUri(redirectUri)) {
    return { page: 'The program that asks wants the answer somewhere else than on this computer.' };
  }
  const state = words.get('state') ?? '';
  const refuse = (error: string, error_description: string): Read => ({
    redirect: back({ publicUrl }, redirectUri, { error, error_description, state: state.slice(0, 512) }),
  });
  if (words.get('response_type') !== 'code') {
    return refuse('unsupported_response_type', 'response_type has to be code');
  }
  if (!/^[A-Za-z0-9_-]{16,512}$/.test(state))
    return refuse('invalid_request', 'state is missing or too short');
  const codeChallenge = words.get('code_challenge') ?? '';
  if (words.get('code_challenge_method') !== 'S256' || !/^[A-Za-z0-9_-]{43}$/.test(codeChallenge)) {
    return refuse('invalid_request', 'PKCE with S256 is required');
  }
  return { request: { redirectUri, state, codeChallenge, label: labelOf(words.get('label')) } };
}

/** The redirect with the answer, and with who answers (RFC 9207). */
function back(
  { publicUrl }: Pick<Site, 'publicUrl'>,
  redirectUri: string,
  words: Readonly<Record<string, string>>,
): string {
  return `${redirectUri}?${new URLSearchParams({ ...words, iss: publicUrl })}`;
}

function wordsOf({ redirectUri, state, codeChallenge, label }: AuthorizationRequest) {
  return {
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: redirectUri,
    state,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
    label,
  };
}

function pathOf(request: AuthorizationRequest): string {
  return `${AUTHORIZE_PATH}?${new URLSearchParams(wordsOf(request))}`;
}

function fieldsOf(request: AuthorizationRequest) {
  return Object.entries(wordsOf(request)).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
}
