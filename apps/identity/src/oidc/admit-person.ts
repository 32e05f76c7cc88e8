import { type Caller, DomainError, type RequestOrigin } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import { addMember } from '../members/add-member.ts';
import type { IdentityTables } from '../schema.ts';
import type { Person } from '../sign-in/person-store.ts';
import { readEmail, readName } from '../sign-in/read-person.ts';
import {
  findLinked,
  findOrganizationUid,
  findOwnerOfEmail,
  insertLink,
  insertPerson,
  lockEmail,
} from './account-store.ts';
import { type OidcSettings, providerIdOf } from './oidc-settings.ts';
import type { Claims } from './reach-provider.ts';

/** Who comes in, or why not: for the person to read, and for the record. */
export type Admission = { readonly person: Person } | RefusedPerson;

export interface RefusedPerson {
  readonly refused: string;
  readonly reason: string;
  /** Whose account it is about, where there is one. */
  readonly account?: Person | undefined;
}

const UNVERIFIED = {
  refused: 'The sign-in service does not say that your e-mail address is verified.',
  reason: 'unverified_address',
};
const OUTSIDE = { refused: 'People with your e-mail address do not sign in here.', reason: 'wrong_domain' };
const TAKEN = {
  refused:
    'There is an account with your e-mail address already, with another way to sign in. Sign in that way.',
  reason: 'address_taken',
};
export const ENDED = { refused: 'Your account has been disabled.', reason: 'account_disabled' };

/**
 * Says whom the provider's claims stand for. The provider's own name for a person counts, never the address alone: an address brings
 * somebody to an account only where the provider has verified it and the account has no other way in.
 */
export async function admitPerson(
  tx: Kysely<IdentityTables>,
  settings: OidcSettings,
  claims: Claims,
  origin: RequestOrigin,
  newUid: () => string,
): Promise<Admission> {
  const email = claims.emailVerified ? readEmail(claims.email ?? '') : undefined;
  const { allowedDomains } = settings;
  const domain = email?.slice(email.lastIndexOf('@') + 1) ?? '';
  if (allowedDomains.length > 0 && !allowedDomains.includes(domain)) {
    return email === undefined ? UNVERIFIED : OUTSIDE;
  }
  const providerId = providerIdOf(settings);
  await lockEmail(tx, email ?? `${providerId} ${claims.sub}`);
  const linked = await findLinked(tx, providerId, claims.sub);
  if (linked) return linked.living ? { person: linked } : { ...ENDED, account: linked };
  if (email === undefined) return UNVERIFIED;

  const found = await findOwnerOfEmail(tx, email);
  if (found?.hasAccount) return { ...TAKEN, account: found };
  if (found && !found.living) return { ...ENDED, account: found };
  const name = readName(claims.name ?? '') ?? email;
  const person = found ?? { uid: newUid(), name, email, instanceOwner: false };
  if (!found) await insertPerson(tx, { ...person, verified: true });
  await insertLink(tx, { id: newUid(), personUid: person.uid, providerId, sub: claims.sub });
  const { uid, instanceOwner } = person;
  const actor = { subject: { kind: 'user' as const, uid, name: person.name, instanceOwner }, ...origin };
  await recordAudit(tx, '', actor, {
    action: found ? 'account.link' : 'account.create',
    resource: { kind: 'user', uid, slug: person.name },
    details: { provider: settings.issuer },
  });
  if (!found) await joinDefault(tx, settings, actor);
  return { person };
}

async function joinDefault(
  tx: Kysely<IdentityTables>,
  { defaultOrg, defaultRole }: OidcSettings,
  actor: Omit<Caller, 'membership'>,
): Promise<void> {
  const organizationUid = defaultOrg === undefined ? undefined : await findOrganizationUid(tx, defaultOrg);
  if (organizationUid === undefined) return;
  const { uid, name } = actor.subject;
  const refused = await addMember(tx, organizationUid, uid, { role: defaultRole, environments: 'all' }).then(
    () => undefined,
    (error: unknown) => {
      // Whoever does not fit in is let in all the same, and in no organisation: the trail of this one says why.
      if (error instanceof DomainError && error.kind === 'quota') return error.reason;
      throw error;
    },
  );
  await recordAudit(tx, organizationUid, actor, {
    action: 'member.join',
    resource: { kind: 'user', uid, slug: name },
    outcome: refused === undefined ? 'succeeded' : 'denied',
    details: { role: defaultRole, ...(refused !== undefined && { reason: refused }) },
  });
}
