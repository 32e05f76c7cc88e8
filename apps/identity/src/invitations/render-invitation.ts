import type { HttpRequest, RoleName } from '@planton/rpc';
import { type Answer, page } from '../pages/exchange.ts';
import { type Html, html } from '../pages/render-page.ts';
import { newPasswordFields } from '../sign-in/ask-password.ts';
import type { Person } from '../sign-in/person-store.ts';
import { SIGN_OUT_PATH, signInPage, singleSignOn } from '../sign-in/serve-sign-in.ts';
import { formPage, type Site, sorry } from '../sign-in/site.ts';
import type { SeenInvitation } from './invitation-store.ts';

export const INVITATION_PATH = '/auth/invitation';

const roleTexts: Readonly<Record<RoleName, string>> = {
  owner: 'may do everything, with owners too',
  admin: 'may do everything, but change owners',
  developer: 'writes secrets, variables and connections, reads no secret value',
  viewer: 'sees everything but values, changes nothing',
  deployer: 'resolves connections and is given credentials',
};

/** A look at an invitation with its link's token, which the forms send back. */
export interface Shown {
  readonly invitation: SeenInvitation;
  readonly token: string;
}

/** Sets up an account with the address of the invitation, which nobody can change. */
export function newcomerPage(
  site: Site,
  request: HttpRequest,
  { invitation, token }: Shown,
  typed: { readonly name: string; readonly problem?: string } = { name: '' },
): Answer {
  return formPage(site, request, {
    title: `Join ${invitation.organization.name}`,
    ...(typed.problem === undefined ? {} : { status: 400 }),
    problem: typed.problem,
    content: (field, alert) => html`${factsOf(invitation)}
<p class="soft">Set up your account to go on. The link works once.</p>${alert}
<form method="post" action="${INVITATION_PATH}">${field}<input type="hidden" name="token" value="${token}">
<label for="email">E-mail</label><input id="email" type="email" readonly autocomplete="username" value="${invitation.email}">
<label for="name">Name</label><input id="name" name="name" required maxlength="100" autocomplete="name" autofocus value="${typed.name}">
${newPasswordFields()}
<button>Set up and join</button></form>${singleSignOn(site, INVITATION_PATH)}`,
  });
}

/** Asks whoever is signed in, and was invited, to join. */
export function confirmPage(
  site: Site,
  request: HttpRequest,
  { invitation, token }: Shown,
  person: Person,
): Answer {
  return formPage(site, request, {
    title: `Join ${invitation.organization.name}?`,
    content: (field) => html`${factsOf(invitation)}
<p class="soft">You are signed in as ${person.name} (${person.email}).</p>
<form method="post" action="${INVITATION_PATH}">${field}<input type="hidden" name="token" value="${token}"><button>Join</button></form>`,
  });
}

/** For whoever is signed in as somebody else. */
export function somebodyElsePage(
  site: Site,
  request: HttpRequest,
  { invitation }: Shown,
  person: Person,
): Answer {
  return formPage(site, request, {
    title: 'This invitation is for somebody else',
    status: 403,
    content: (
      field,
    ) => html`<dl class="facts"><dt>Invited</dt><dd>${invitation.email}</dd><dt>Signed in as</dt><dd>${person.name} (${person.email})</dd></dl>
<p class="soft">If both are you, sign out here and go on as ${invitation.email}.</p>
<form method="post" action="${SIGN_OUT_PATH}">${field}<input type="hidden" name="continue" value="${INVITATION_PATH}"><button>Sign out and go on</button></form>`,
  });
}

/** Asks who it is, where the address has an account. */
export function knownPage(site: Site, request: HttpRequest, { invitation }: Shown, problem?: string): Answer {
  return signInPage(site, request, INVITATION_PATH, {
    email: invitation.email,
    ...(problem === undefined ? {} : { status: 409, problem }),
    intro: html`${factsOf(invitation)}<p class="soft">There is an account with your address: sign in to join.</p>`,
  });
}

/** For whoever is a member by now. */
export function joinedPage(site: Site, invitation: SeenInvitation): Answer {
  const { organization } = invitation;
  return page(
    200,
    `Welcome to ${organization.name}`,
    html`${factsOf(invitation)}
<p class="soft">On the command line go on with:</p>
<pre>planton context set ${organization.slug} --server ${site.publicUrl} --org ${organization.slug}
planton auth login</pre>`,
  );
}

export function memberAlready({ organization, inviter }: SeenInvitation): Answer {
  return sorry(
    409,
    `You are a member of ${organization.name} already. If you need another role, ask ${inviter.name} for it; the invitation changes nothing.`,
  );
}

export function nothingLeft({ organization, inviter }: SeenInvitation): Answer {
  return sorry(
    410,
    `The environments of ${organization.name} that this invitation was for have been deleted meanwhile, so nothing is left that it gives. Ask ${inviter.name} to invite you again.`,
  );
}

export function invitationGone(): Answer {
  return sorry(
    410,
    'This invitation is not good any more: it was used or taken back, it has expired, or the link is not whole. Ask whoever sent it to you; owners and admins of the organisation make another with: planton member invite',
  );
}

function factsOf({ organization, grant, environments, inviter }: SeenInvitation): Html {
  const cover = grant.environments === 'all' ? 'all' : environments.join(', ');
  return html`<dl class="facts"><dt>Organisation</dt><dd>${organization.name}${slugOf(organization)}</dd><dt>Invited by</dt><dd>${inviter.name}</dd><dt>Role</dt><dd>${grant.role} <span class="soft">${roleTexts[grant.role]}</span></dd><dt>Environments</dt><dd>${cover}</dd></dl>`;
}

function slugOf({ name, slug }: SeenInvitation['organization']): string {
  return name === slug ? '' : ` (${slug})`;
}

export function organizationFull({ organization, inviter }: SeenInvitation): Answer {
  return sorry(
    409,
    `${organization.name} has as many members as it may have. Ask ${inviter.name} to make room; the link stays good until then.`,
  );
}
