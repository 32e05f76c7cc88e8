import { type DomainError, denied, missing } from '@planton/rpc';
import type { StoredSecret } from '../secrets/secret.ts';

/** The one entry of a server-owned secret. */
export const VALUE_KEY = 'value';

/** Whose a server-owned secret is. All of it has to match: who asks with anything else is told nothing. */
export interface SecretOwner {
  readonly organizationUid: string;
  readonly service: string;
  readonly ownerUid: string;
}

export function isOwnedBy(
  secret: Pick<StoredSecret, 'organization_uid' | 'owner_service' | 'owner_uid'>,
  owner: SecretOwner,
): boolean {
  return (
    secret.organization_uid === owner.organizationUid &&
    secret.owner_service === owner.service &&
    secret.owner_uid === owner.ownerUid
  );
}

/** The same whether there is none, it is of somebody else, or it was retired. */
export function ownedSecretNotFound(secretUid: string, { ownerUid }: SecretOwner): DomainError {
  return missing(
    'OWNED_SECRET_NOT_FOUND',
    `there is no secret ${secretUid} that was made for object ${ownerUid}`,
  );
}

export function secretUidTaken(secretUid: string): DomainError {
  return denied(
    'SECRET_UID_TAKEN',
    `secret ${secretUid} belongs to another object, organisation or service, or to people`,
  );
}

const LONGEST_SLUG = 63;

/** The wanted slug, cut where needed, with a suffix of letters and digits. */
export function suffixSlug(wanted: string, suffix: string): string {
  const room = LONGEST_SLUG - suffix.length - 1;
  return `${wanted.slice(0, room).replace(/-+$/, '')}-${suffix}`;
}
