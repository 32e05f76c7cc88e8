import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { hashKey } from '../api-keys/mint-key.ts';
import { type Answer, json, page, peerAddressOf } from '../pages/exchange.ts';
import { readForm, readQuery } from '../pages/read-form.ts';
import { html } from '../pages/render-page.ts';
import type { Person } from '../sign-in/person-store.ts';
import { recordRefusal } from '../sign-in/record-refusal.ts';
import { signInPage, tooMany } from '../sign-in/serve-sign-in.ts';
import { actorOf } from '../sign-in/sign-in-browser.ts';
import { formPage, holdPersonOf, pageRoute, personOf, type Site } from '../sign-in/site.ts';
import { forgiveFailure, takeTry } from '../sign-in/throttle-store.ts';
import { CLIENT_ID, labelOf } from './client.ts';
import { answerRequest, DEVICE_S, findPending, insertDeviceRequest, PAUSE_S } from './device-store.ts';
import { programRoute } from './serve-token.ts';
import { mintUserCode, readUserCode } from './user-code.ts';

export const DEVICE_AUTHORIZATION_PATH = '/auth/device_authorization';
const DEVICE_PATH = '/auth/device';

const UNKNOWN = 'There is no sign-in with this code, or it is over. Codes live ten minutes.';

/**
 * Sign-in for a program where there is no browser (RFC 8628): it shows a code, and its person types that code on a page, sees what asks,
 * and says yes or no. The page is for whoever is signed in; five wrong codes are free, then each doubles the pause.
 */
export function serveDevice(site: Site): readonly HttpRoute[] {
  const begin = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    if (form.get('client_id') !== CLIENT_ID) return json(401, { error: 'invalid_client' });
    const deviceCode = site.randomBytes(32).toString('base64url');
    const userCode = mintUserCode(site.randomBytes);
    const taken = await insertDeviceRequest(site.database.query, {
      uid: site.newUid(),
      deviceHash: hashKey(deviceCode),
      userCode,
      label: labelOf(form.get('label')),
      peerAddress: peerAddressOf(request),
    });
    if (!taken) return json(429, { error: 'temporarily_unavailable' });
    const uri = `${site.publicUrl}${DEVICE_PATH}`;
    return json(200, {
      device_code: deviceCode,
      user_code: userCode,
      verification_uri: uri,
      verification_uri_complete: `${uri}?user_code=${userCode}`,
      expires_in: DEVICE_S,
      interval: PAUSE_S,
    });
  };

  /** What is there for the code that a person typed: each look counts as a guess until it is right. */
  const look = async (request: HttpRequest, person: Person, typed: string) => {
    const { query } = site.database;
    const throttle = { key: `device:${person.uid}`, free: 5, longestSeconds: 900 };
    const { wait, pause } = await takeTry(query, throttle);
    if (wait > 0) return tooMany(wait);
    const userCode = readUserCode(typed);
    const found = userCode === undefined ? undefined : await findPending(query, userCode);
    if (!userCode || !found) {
      await recordRefusal(query, actorOf(site, request, person), {
        action: 'session_grant.create',
        how: 'device',
        reason: 'wrong_code',
        account: person,
        pauses: [{ of: 'account', seconds: pause }],
      });
      return { status: 404, problem: UNKNOWN };
    }
    await forgiveFailure(query, throttle.key);
    return { ...found, userCode };
  };

  const show = async (request: HttpRequest): Promise<Answer> => {
    const typed = readQuery(request).get('user_code');
    const code = readUserCode(typed ?? '');
    const here = code === undefined ? DEVICE_PATH : `${DEVICE_PATH}?user_code=${code}`;
    const person = await personOf(site, request);
    if (!person) return signInPage(site, request, here);
    // A link may fill the code in; whoever follows it still sends it, so that a link alone asks nothing and guesses nothing.
    return codePage(site, request, { typed: code ?? '' });
  };

  const decide = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const typed = form.get('user_code') ?? '';
    const person = await personOf(site, request);
    if (!person) return signInPage(site, request, DEVICE_PATH);
    const found = await look(request, person, typed);
    if ('problem' in found) return codePage(site, request, { typed, ...found });
    const answer = form.get('answer');
    if (answer !== 'yes' && answer !== 'no') return askPage(site, request, person, found);
    const state = answer === 'yes' ? 'approved' : 'denied';
    const answered = await site.database.transact(async (tx) => {
      const held = await holdPersonOf(site, tx, request);
      return held !== undefined && (await answerRequest(tx, found.userCode, state, held.uid));
    });
    if (!answered) return codePage(site, request, { typed, status: 404, problem: UNKNOWN });
    return answer === 'yes'
      ? page(
          200,
          'Allowed',
          html`<p>Go on in the terminal that showed the code. This page can be closed.</p>`,
        )
      : page(200, 'Not allowed', html`<p>Nothing was allowed. This page can be closed.</p>`);
  };

  return [
    programRoute(site, DEVICE_AUTHORIZATION_PATH, begin),
    pageRoute(site, 'GET', DEVICE_PATH, show),
    pageRoute(site, 'POST', DEVICE_PATH, decide),
  ];
}

function codePage(
  site: Site,
  request: HttpRequest,
  shown: { readonly typed: string; readonly status?: number; readonly problem?: string },
): Answer {
  return formPage(site, request, {
    title: 'Sign in on another device',
    ...(shown.status === undefined ? {} : { status: shown.status }),
    problem: shown.problem,
    content: (
      token,
      alert,
    ) => html`<p class="soft">Type the code that <code>planton auth login</code> shows in your terminal.</p>${alert}
<form method="post" action="${DEVICE_PATH}">${token}<label for="code">Code</label>
<input class="code" id="code" name="user_code" required maxlength="16" autocomplete="off" autocapitalize="characters" spellcheck="false" autofocus value="${shown.typed}">
<button>Continue</button></form>`,
  });
}

function askPage(
  site: Site,
  request: HttpRequest,
  person: Person,
  found: { readonly label: string; readonly peerAddress: string; readonly userCode: string },
): Answer {
  return formPage(site, request, {
    title: 'Let this program act in your name?',
    content: (
      token,
    ) => html`<dl><dt>Program</dt><dd>${found.label}</dd><dt>Asked from</dt><dd>${found.peerAddress}</dd><dt>Code</dt><dd>${found.userCode}</dd><dt>Signed in as</dt><dd>${person.name} (${person.email})</dd></dl>
<p class="soft">Go on only if you started this yourself and the terminal shows the same code. Nobody who calls or writes to you has a reason to ask for it.</p>
<form method="post" action="${DEVICE_PATH}">${token}<input type="hidden" name="user_code" value="${found.userCode}">
<button name="answer" value="yes">Allow</button><button class="quiet" name="answer" value="no">Refuse</button></form>`,
  });
}
