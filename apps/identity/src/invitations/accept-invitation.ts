import { isUniqueViolation } from '@planton/database';
import { DomainError, type HttpRequest } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import { addMember } from '../members/add-member.ts';
import { findGrant } from '../members/member-store.ts';
import { findOwnerOfEmail, insertPerson, lockEmail } from '../oidc/account-store.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import type { IdentityTables } from '../schema.ts';
import { type Person, setPassword } from '../sign-in/person-store.ts';
import { actorOf, signInBrowser } from '../sign-in/sign-in-browser.ts';
import { personOf, type Site } from '../sign-in/site.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { decideStanding, type Standing } from './decide-standing.ts';
import { endInvitation, findOpenInvitation, type SeenInvitation } from './invitation-store.ts';

/** Whoever accepts: somebody who is signed in, or who sets up the account of the address with this name and hash of a password. */
export type Comer =
  | { readonly person: Person }
  | { readonly newcomer: { readonly name: string; readonly password: string } };

/** What came of it. Where it was not accepted nothing has changed. */
export type Acceptance =
  | { readonly accepted: SeenInvitation; readonly person: Person; readonly cookies: readonly string[] }
  /** The link is not good any more. */
  | { readonly refused: 'gone' }
  | { readonly refused: Exclude<Standing, 'good'>; readonly invitation: SeenInvitation }
  /** Whoever is signed in is somebody else than who was invited, or is not signed in any more. */
  | { readonly refused: 'not_invited' }
  | { readonly refused: 'member'; readonly invitation: SeenInvitation }
  /** The address has an account by now. */
  | { readonly refused: 'account_exists' }
  /** The organisation has as many members as it may have. */
  | { readonly refused: 'full' };

/**
 * Makes who accepts a member and uses the invitation up, in one transaction under the organisation's lock: of two who accept, or one who
 * accepts and one who revokes, one is first. What the invitation gives is decided anew by what is so now.
 */
export async function acceptInvitation(
  site: Site,
  request: HttpRequest,
  hash: Buffer,
  comer: Comer,
): Promise<Acceptance> {
  try {
    return await site.database.transact((tx) => accept(site, tx, request, hash, comer));
  } catch (error) {
    if (isUniqueViolation(error, 'person_email_key')) return { refused: 'account_exists' };
    if (error instanceof DomainError && error.reason === 'MEMBER_LIMIT') return { refused: 'full' };
    throw error;
  }
}

async function accept(
  site: Site,
  tx: Kysely<IdentityTables>,
  request: HttpRequest,
  hash: Buffer,
  comer: Comer,
): Promise<Acceptance> {
  const seen = await findOpenInvitation(tx, hash);
  if (!seen) return { refused: 'gone' };
  await lockOrganization(tx, seen.organization.uid);
  const invitation = await findOpenInvitation(tx, hash);
  if (!invitation) return { refused: 'gone' };
  const standing = decideStanding(invitation.grant, invitation.inviterGrant);
  if (standing !== 'good') return { refused: standing, invitation };

  const entered =
    'person' in comer
      ? await enter(site, tx, request, comer.person, invitation)
      : await setUp(site, tx, request, comer.newcomer, invitation);
  if ('refused' in entered) return entered;
  const { person, cookies } = entered;
  if (!(await endInvitation(tx, invitation.uid, 'accept_time'))) {
    throw new Error('an invitation ended under the lock of its organisation');
  }
  await join(site, tx, request, person, invitation);
  return { accepted: invitation, person, cookies };
}

type Entered =
  | { readonly person: Person; readonly cookies: readonly string[] }
  | Extract<Acceptance, { readonly refused: unknown }>;

/** Somebody who has an account: it has to be the one of the address, and to be signed in still. */
async function enter(
  site: Site,
  tx: Kysely<IdentityTables>,
  request: HttpRequest,
  { uid }: Person,
  invitation: SeenInvitation,
): Promise<Entered> {
  await lockSubject(tx, uid);
  const person = await personOf(site, request, tx);
  if (person?.uid !== uid || person.email !== invitation.email) return { refused: 'not_invited' };
  const grant = await findGrant(tx, invitation.organization.uid, uid);
  if (grant) return { refused: 'member', invitation };
  // Tokens from before say that the person is no member; the next ones say otherwise.
  await revoke(tx, [uid]);
  return { person, cookies: [] };
}

/** Somebody who has none: it is made with the address of the invitation, which nobody has verified. */
async function setUp(
  site: Site,
  tx: Kysely<IdentityTables>,
  request: HttpRequest,
  { name, password }: { readonly name: string; readonly password: string },
  { email, organization }: SeenInvitation,
): Promise<Entered> {
  await lockEmail(tx, email);
  if (await findOwnerOfEmail(tx, email)) return { refused: 'account_exists' };
  const person = { uid: site.newUid(), name, email, instanceOwner: false };
  await insertPerson(tx, { ...person, verified: false });
  await setPassword(tx, person.uid, { password, newUid: site.newUid });
  await recordAudit(tx, '', actorOf(site, request, person), {
    action: 'account.create',
    resource: { kind: 'user', uid: person.uid, slug: name },
    details: { how: 'invitation', organization_uid: organization.uid },
  });
  return { person, cookies: await signInBrowser(site, tx, request, person, 'invitation') };
}

async function join(
  site: Site,
  tx: Kysely<IdentityTables>,
  request: HttpRequest,
  person: Person,
  { uid, email, organization, grant, environments, inviter }: SeenInvitation,
): Promise<void> {
  await addMember(tx, organization.uid, person.uid, grant);
  const actor = actorOf(site, request, person);
  await recordAudit(tx, organization.uid, actor, {
    action: 'invitation.accept',
    resource: { kind: 'invitation', uid, slug: email },
  });
  await recordAudit(tx, organization.uid, actor, {
    action: 'member.add',
    resource: { kind: 'user', uid: person.uid, slug: person.name },
    details: { role: grant.role, environments: environments.join(','), inviter_uid: inviter.uid },
  });
}
