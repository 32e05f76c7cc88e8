import { timingSafeEqual } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { isUniqueViolation } from '@planton/database';
import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { endSignIns } from '../accounts/end-sign-ins.ts';
import { recordAudit } from '../audit/audit-store.ts';
import { type Answer, leadTo, withCookies } from '../pages/exchange.ts';
import { readForm, readQuery, type Words } from '../pages/read-form.ts';
import { html } from '../pages/render-page.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { newPasswordFields, readNewPassword } from './ask-password.ts';
import { OWNER_PATH, readLinkFile, readOwnerToken } from './owner-link.ts';
import { insertOwnerLink, readOwnerLink, spendOwnerLink } from './owner-link-store.ts';
import { findOwner, setPerson } from './person-store.ts';
import { readEmail, readName } from './read-person.ts';
import { ACCOUNT_PATH } from './serve-sign-in.ts';
import { actorOf, signInBrowser } from './sign-in-browser.ts';
import { formPage, pageRoute, type Site, sorry } from './site.ts';

/**
 * The page behind the owner's link: it sets name, address and password of whoever owns the instance, and signs the browser in. Where
 * there was a password, the new one ends what the old one opened.
 *
 * @param linkFile where the operator may have put a new link while the server runs
 */
export function serveOwner(site: Site, linkFile: string | undefined): readonly HttpRoute[] {
  const show = async (request: HttpRequest): Promise<Answer> => {
    const token = readQuery(request).get('token') ?? '';
    if (!(await openLink(site, linkFile, token))) return linkGone();
    const owner = await findOwner(site.database.query);
    const email = owner?.hasPassword ? owner.email : '';
    return ownerPage(site, request, { token, name: owner?.hasPassword ? owner.name : '', email });
  };

  const setUp = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const token = form.get('token') ?? '';
    const hash = await openLink(site, linkFile, token);
    if (!hash) return linkGone();
    const given = { token, name: form.get('name') ?? '', email: form.get('email') ?? '' };
    const person = readOwner(form);
    if ('problem' in person) {
      return ownerPage(site, request, { ...given, status: 400, problem: person.problem });
    }
    const password = await site.passwords.hash(person.password);
    const owner = await findOwner(site.database.query);
    if (!owner) return linkGone();
    try {
      const cookies = await site.database.transact(async (tx) => {
        if (!(await spendOwnerLink(tx, hash)) || !(await lockSubject(tx, owner.uid))) return undefined;
        const { name, email } = person;
        await setPerson(tx, owner.uid, { name, email, password, newUid: site.newUid });
        await endSignIns(tx, owner.uid);
        const set = { ...owner, name, email };
        await recordAudit(tx, '', actorOf(site, request, set), {
          action: 'account.set_up',
          resource: { kind: 'user', uid: owner.uid, slug: name },
        });
        return signInBrowser(site, tx, request, set, 'owner_link');
      });
      if (!cookies) return linkGone();
      if (linkFile !== undefined) await rm(linkFile, { force: true }).catch(() => {});
      return withCookies(leadTo(ACCOUNT_PATH), ...cookies);
    } catch (error) {
      if (!isUniqueViolation(error, 'person_email_key')) throw error;
      return ownerPage(site, request, { ...given, status: 409, problem: 'Somebody else has this e-mail.' });
    }
  };

  return [pageRoute(site, 'GET', OWNER_PATH, show), pageRoute(site, 'POST', OWNER_PATH, setUp)];
}

/** The hash of a link that is good now. One that only the operator's file has is made known. */
async function openLink(
  { database }: Site,
  linkFile: string | undefined,
  token: string,
): Promise<Buffer | undefined> {
  const link = readOwnerToken(token);
  if (!link) return undefined;
  const { query } = database;
  let known = await readOwnerLink(query, link.hash);
  if (!known && linkFile !== undefined) {
    const inFile = await readLinkFile(linkFile);
    if (!inFile || !timingSafeEqual(inFile, link.hash)) return undefined;
    await insertOwnerLink(query, link.hash, link.expireTime);
    known = await readOwnerLink(query, link.hash);
  }
  return known?.good ? link.hash : undefined;
}

function readOwner(
  form: Words,
):
  | { readonly name: string; readonly email: string; readonly password: string }
  | { readonly problem: string } {
  const name = readName(form.get('name') ?? '');
  const email = readEmail(form.get('email') ?? '');
  if (name === undefined) return { problem: 'Your name is missing, or longer than 100 characters.' };
  if (email === undefined) return { problem: 'That is no e-mail address.' };
  const asked = readNewPassword(form);
  return 'problem' in asked ? asked : { name, email, password: asked.password };
}

interface Shown {
  readonly token: string;
  readonly name: string;
  readonly email: string;
  readonly status?: number;
  readonly problem?: string;
}

function ownerPage(site: Site, request: HttpRequest, shown: Shown): Answer {
  return formPage(site, request, {
    title: 'Set up the owner’s account',
    ...(shown.status === undefined ? {} : { status: shown.status }),
    problem: shown.problem,
    content: (token, alert) => html`<p class="soft">It owns this server. The link works once.</p>${alert}
<form method="post" action="${OWNER_PATH}">${token}<input type="hidden" name="token" value="${shown.token}">
<label for="name">Name</label><input id="name" name="name" required maxlength="100" autocomplete="name" autofocus value="${shown.name}">
<label for="email">E-mail</label><input id="email" name="email" type="email" required maxlength="254" autocomplete="username" value="${shown.email}">
${newPasswordFields()}
<button>Set up and sign in</button></form>`,
  });
}

function linkGone(): Answer {
  return sorry(
    410,
    'This link is not good any more: it was used, it is older than a day, or it is not whole. Whoever runs the server makes another with: planton server owner-link',
  );
}
