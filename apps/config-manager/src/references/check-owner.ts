import { denied, stale } from '@planton/rpc';
import type { OwnerIdentity, StoredOwner } from './reference-store.ts';

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
