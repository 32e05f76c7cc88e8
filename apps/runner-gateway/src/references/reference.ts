import { type DomainError, denied, stale, state } from '@planton/rpc';
import type { OwnerIdentity, StoredOwner } from './reference-store.ts';

/** An object that uses a runner. */
export interface User {
  readonly uid: string;
  readonly kind: string;
  readonly slug: string;
  readonly confirmed: boolean;
}

/** Users that a refusal names at most. */
export const MOST_NAMED_USERS = 10;

/** Refuses a deletion, naming who would be left without. @param users the first of them, by kind and slug */
export function runnerInUse(slug: string, users: readonly User[], count: number): DomainError {
  const names = users.map((user) => `${user.kind} ${user.slug}`);
  const more = count > users.length ? ` and ${count - users.length} more` : '';
  const [first] = names;
  return state('RUNNER_IN_USE', `runner "${slug}" is in use by ${names.join(', ')}${more}`, {
    hint: `planton get ${first} shows what uses it: name another runner there, or delete it`,
    metadata: { runner: slug, users: names.join(', '), count: String(count) },
  });
}

/**
 * Refuses what is not the owner's, or not its latest.
 *
 * @throws `OWNER_MISMATCH` for an owner that another service or organisation has, `REFERENCE_REVISION_STALE`
 */
export function checkOwner(stored: StoredOwner, owner: OwnerIdentity, revision: number): void {
  if (stored.service !== owner.service || stored.organization_uid !== owner.organizationUid) {
    throw denied('OWNER_MISMATCH', `${owner.kind} ${owner.slug} belongs to another service or organisation`);
  }
  if (revision < stored.revision) {
    throw stale(
      'REFERENCE_REVISION_STALE',
      `the references of ${owner.kind} ${owner.slug} are at revision ${stored.revision}, later than ${revision}`,
      { metadata: { revision: String(stored.revision) } },
    );
  }
}
