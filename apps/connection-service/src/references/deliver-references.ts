import type { Deps } from '../deps.ts';
import { confirmReferences } from './confirm-references.ts';
import {
  claimOutboxRows,
  dropOutboxRow,
  findOutboxRows,
  type OutboxRow,
  type OutboxSet,
  type Owner,
} from './outbox-store.ts';
import { parseReferences, parseUids } from './reference.ts';

type DeliveryDeps = Pick<Deps, 'configManager' | 'runners' | 'database' | 'logger' | 'random'>;

const BATCH = 50;

/** Delivers what the owner just committed. A failure is logged and left to the loop: the commit stands. */
export async function deliverOwnReferences(deps: DeliveryDeps, ownerUid: string): Promise<void> {
  try {
    const rows = await findOutboxRows(deps.database.query, ownerUid);
    const ended = await Promise.allSettled(rows.map((row) => deliver(deps, row)));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
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
      const { owner_uid: owner, target, attempts } = row;
      deps.logger.warn({ owner, target, attempts, error }, 'references not confirmed');
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
  await confirmReferences(deps, owner, row.revision, setOf(row));
  await dropOutboxRow(deps.database.query, row.owner_uid, row.target, row.revision);
}

function setOf({ target, reference_set }: OutboxRow): OutboxSet {
  return target === 'config'
    ? { target, references: parseReferences(reference_set) }
    : { target, runnerUids: parseUids(reference_set) };
}
