import type { HttpRequest, HttpRoute } from '@planton/rpc';
import { findGrant } from '../members/member-store.ts';
import { findOwnerOfEmail } from '../oidc/account-store.ts';
import { type Answer, withCookies } from '../pages/exchange.ts';
import { readForm, readQuery, type Words } from '../pages/read-form.ts';
import { readNewPassword } from '../sign-in/ask-password.ts';
import { openLink } from '../sign-in/open-link.ts';
import { readName } from '../sign-in/read-person.ts';
import { pageRoute, personOf, type Site } from '../sign-in/site.ts';
import { type Acceptance, acceptInvitation, type Comer } from './accept-invitation.ts';
import { decideStanding } from './decide-standing.ts';
import { findOpenInvitation, type SeenInvitation } from './invitation-store.ts';
import {
  confirmPage,
  INVITATION_PATH,
  invitationGone,
  joinedPage,
  knownPage,
  memberAlready,
  newcomerPage,
  nothingLeft,
  organizationFull,
  type Shown,
  somebodyElsePage,
} from './render-invitation.ts';

/** Seconds that a browser keeps a link's token while its person signs in. */
const COOKIE_S = 3600;

const NO_NAME = 'Your name is missing, or longer than 100 characters.';
const TAKEN = 'There is an account with your address by now. Sign in to join.';

/**
 * The page behind an invitation. Whoever has no account with the address sets one up there; whoever has signs in and says yes. Nothing is
 * accepted by a GET. While somebody signs in the token waits in a cookie, so that it is in no address and in no table.
 */
export function serveInvitation(site: Site): readonly HttpRoute[] {
  const { query } = site.database;

  const open = async (request: HttpRequest, token: string) => {
    const opened = await openLink(
      site,
      request,
      'invitation',
      token,
      (hash) => findOpenInvitation(query, hash),
      invitationGone,
    );
    if ('refused' in opened) return opened;
    const refused = refusalOf(opened.found);
    return refused ? { refused } : { ...opened, shown: { invitation: opened.found, token } };
  };

  const show = async (request: HttpRequest): Promise<Answer> => {
    const inLink = readQuery(request).get('token');
    const token = inLink ?? site.cookies.read(request, 'invitation') ?? '';
    const opened = await open(request, token);
    if ('refused' in opened) return forget(opened.refused);
    const answer = await pageFor(site, request, opened.shown);
    return inLink === undefined
      ? answer
      : withCookies(answer, site.cookies.write('invitation', token, COOKIE_S));
  };

  const accept = async (request: HttpRequest): Promise<Answer> => {
    const form = await readForm(request);
    site.forms.check(request, form);
    const opened = await open(request, form.get('token') ?? '');
    if ('refused' in opened) return forget(opened.refused);
    const { hash, shown } = opened;
    const person = await personOf(site, request);
    if (person && person.email !== shown.invitation.email) {
      return somebodyElsePage(site, request, shown, person);
    }
    const comer = person ? { person } : await readNewcomer(site, request, shown, form);
    if ('status' in comer) return comer;
    return answerTo(request, shown, await acceptInvitation(site, request, hash, comer));
  };

  const forget = (answer: Answer) => withCookies(answer, site.cookies.write('invitation', undefined));

  const answerTo = async (request: HttpRequest, shown: Shown, acceptance: Acceptance): Promise<Answer> => {
    if (!('refused' in acceptance)) {
      return withCookies(forget(joinedPage(site, acceptance.accepted)), ...acceptance.cookies);
    }
    switch (acceptance.refused) {
      case 'gone':
      case 'inviter_may_not':
        return forget(invitationGone());
      case 'covers_nothing':
        return forget(nothingLeft(acceptance.invitation));
      case 'member':
        return forget(memberAlready(acceptance.invitation));
      case 'full':
        return organizationFull(shown.invitation);
      case 'account_exists':
        return knownPage(site, request, shown, TAKEN);
      case 'not_invited':
        return pageFor(site, request, shown);
    }
  };

  return [pageRoute(site, 'GET', INVITATION_PATH, show), pageRoute(site, 'POST', INVITATION_PATH, accept)];
}

/** Why an open invitation cannot be accepted, for its reader; undefined where it can. */
function refusalOf(invitation: SeenInvitation): Answer | undefined {
  switch (decideStanding(invitation.grant, invitation.inviterGrant)) {
    case 'good':
      return undefined;
    case 'inviter_may_not':
      return invitationGone();
    case 'covers_nothing':
      return nothingLeft(invitation);
  }
}

/** What there is to do for whoever looks at an invitation. */
async function pageFor(site: Site, request: HttpRequest, shown: Shown): Promise<Answer> {
  const { invitation } = shown;
  const person = await personOf(site, request);
  if (person && person.email !== invitation.email) return somebodyElsePage(site, request, shown, person);
  if (person) {
    const grant = await findGrant(site.database.query, invitation.organization.uid, person.uid);
    return grant ? memberAlready(invitation) : confirmPage(site, request, shown, person);
  }
  const known = await findOwnerOfEmail(site.database.query, invitation.email);
  return known ? knownPage(site, request, shown) : newcomerPage(site, request, shown);
}

/** Who sets up an account, or the page to answer instead. */
async function readNewcomer(
  site: Site,
  request: HttpRequest,
  shown: Shown,
  form: Words,
): Promise<Comer | Answer> {
  if (await findOwnerOfEmail(site.database.query, shown.invitation.email)) {
    return knownPage(site, request, shown, TAKEN);
  }
  const typed = form.get('name') ?? '';
  const name = readName(typed);
  if (name === undefined) return newcomerPage(site, request, shown, { name: typed, problem: NO_NAME });
  const asked = readNewPassword(form);
  if ('problem' in asked) return newcomerPage(site, request, shown, { name: typed, problem: asked.problem });
  return { newcomer: { name, password: await site.passwords.hash(asked.password) } };
}
