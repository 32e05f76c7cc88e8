import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { type Answer, leadTo, withCookies } from '../pages/exchange.ts';
import { readForm, readQuery } from '../pages/read-form.ts';
import { html } from '../pages/render-page.ts';
import { newPasswordFields, readNewPassword } from '../sign-in/ask-password.ts';
import { openLink } from '../sign-in/open-link.ts';
import { type Person, setPassword } from '../sign-in/person-store.ts';
import { ACCOUNT_PATH } from '../sign-in/serve-sign-in.ts';
import { actorOf, signInBrowser } from '../sign-in/sign-in-browser.ts';
import { formPage, pageRoute, type Site, sorry } from '../sign-in/site.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { endSignIns } from './end-sign-ins.ts';
import { findByPasswordLink } from './password-link-store.ts';

export const PASSWORD_PATH = '/auth/password';

/** The page behind a link for a new password: it sets one, ends what the account had signed in to, and signs the browser in. */
export function servePassword(site: Site): readonly HttpRoute[] {
  const open = (request: HttpRequest, token: string) =>
    openLink(
      site,
      request,
      'password',
      token,
      (hash) => findByPasswordLink(site.database.query, hash),
      linkGone,
    );

  const show = async (request: HttpRequest): Promise<Answer> => {
    const token = readQuery(request).get('token') ?? '';
    const opened = await open(request, token);
    return 'refused' in opened ? opened.refused : passwordPage(site, request, token, opened.found);
  };

  const set = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const token = form.get('token') ?? '';
    const opened = await open(request, token);
    if ('refused' in opened) return opened.refused;
    const { found: person, hash } = opened;
    const asked = readNewPassword(form);
    if ('problem' in asked) return passwordPage(site, request, token, person, asked.problem);
    const password = await site.passwords.hash(asked.password);
    const cookies = await site.database.transact(async (tx) => {
      await lockSubject(tx, person.uid);
      if (!(await findByPasswordLink(tx, hash))) return undefined;
      await setPassword(tx, person.uid, { password, newUid: site.newUid });
      await endSignIns(tx, person.uid);
      await recordAudit(tx, '', actorOf(site, request, person), {
        action: 'account.set_password',
        resource: { kind: 'user', uid: person.uid, slug: person.name },
      });
      return signInBrowser(site, tx, request, person, 'password_link');
    });
    return cookies ? withCookies(leadTo(ACCOUNT_PATH), ...cookies) : linkGone();
  };

  return [pageRoute(site, 'GET', PASSWORD_PATH, show), pageRoute(site, 'POST', PASSWORD_PATH, set)];
}

function passwordPage(
  site: Site,
  request: HttpRequest,
  token: string,
  person: Person,
  problem?: string,
): Answer {
  return formPage(site, request, {
    title: 'Choose a new password',
    ...(problem === undefined ? {} : { status: 400 }),
    problem,
    content: (
      field,
      alert,
    ) => html`<p class="soft">It signs ${person.name} out of every browser and command line. The link works once.</p>${alert}
<form method="post" action="${PASSWORD_PATH}">${field}<input type="hidden" name="token" value="${token}">
<label for="email">E-mail</label><input id="email" type="email" readonly autocomplete="username" value="${person.email}">
${newPasswordFields()}
<button>Set the password and sign in</button></form>`,
  });
}

function linkGone(): Answer {
  return sorry(
    410,
    'This link is not good any more: it was used, another one was made after it, it is older than a day, or it is not whole. Ask whoever sent it to you; the owner of the server makes another with: planton account password-link',
  );
}
