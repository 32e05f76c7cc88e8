import { ReferencePhase } from '@planton/api/config/v1/reference';
import { toDomainError } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { claimOutboxRows, dropOutboxRow, findOutboxRow, type OutboxRow, type Owner } from './outbox-store.ts';
import { parseReferences, type Reference, referenceMessage, uniqueReferences } from './reference.ts';

type DeliveryDeps = Pick<Deps, 'configManager' | 'database' | 'logger' | 'random'>;

const BATCH = 50;

/**
 * Confirms, in the service's own name, the exact set that an owner committed. An owner that has registered something newer since
 * is left alone: that change will be confirmed or reconciled itself.
 */
export async function confirmReferences(
  { configManager }: Pick<Deps, 'configManager'>,
  owner: Owner,
  revision: number,
  references: readonly Reference[],
): Promise<void> {
  try {
    await configManager.setReferences({
      org: owner.organization.slug,
      organizationUid: owner.organization.uid,
      owner: { kind: owner.kind, uid: owner.uid, slug: owner.slug },
      revision,
      references: uniqueReferences(references).map(referenceMessage),
      phase: ReferencePhase.COMMIT,
    });
  } catch (thrown) {
    if (toDomainError(thrown)?.kind !== 'stale') throw thrown;
  }
}

/** Delivers what the owner just committed. A failure is logged and left to the loop: the commit stands. */
export async function deliverOwnReferences(deps: DeliveryDeps, ownerUid: string): Promise<void> {
  try {
    const row = await findOutboxRow(deps.database.query, ownerUid);
    if (row) await deliver(deps, row);
  } catch (error) {
    deps.logger.warn({ owner: ownerUid, error }, 'references are confirmed later');
  }
}

/** Delivers what is due. One that fails does not hold up the others. @returns how many were delivered */
export async function deliverDueReferences(deps: DeliveryDeps): Promise<number> {
  const rows = await claimOutboxRows(deps.database.query, BATCH, deps.random());
  let delivered = 0;
  for (const row of rows) {
    try {
      await deliver(deps, row);
      delivered += 1;
    } catch (error) {
      deps.logger.warn({ owner: row.owner_uid, attempts: row.attempts, error }, 'references not confirmed');
    }
  }
  return delivered;
}

async function deliver(deps: DeliveryDeps, row: OutboxRow): Promise<void> {
  const owner: Owner = {
    uid: row.owner_uid,
    kind: row.owner_kind,
    slug: row.owner_slug,
    organization: { uid: row.organization_uid, slug: row.organization_slug },
  };
  await confirmReferences(deps, owner, row.revision, parseReferences(row.reference_set));
  await dropOutboxRow(deps.database.query, row.owner_uid, row.revision);
}
