import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { UnconfirmedOwner } from '@planton/api/config/v1/config_manager_service';
import type { Deps } from '../deps.ts';
import { confirmReferences } from './deliver-references.ts';
import { lockFence, pruneFences, readCommittedOwner } from './fence-store.ts';

type ReconcileDeps = Pick<Deps, 'configManager' | 'database' | 'logger' | 'now'>;

/** An apply that has not ended after this is taken for dead; one that lives after all is fenced off and starts again. */
const ABANDONED_MS = 60_000;

/**
 * Settles registrations that were never confirmed, because someone died between registering and committing, or between
 * committing and confirming: what is committed is confirmed, everything else is released.
 *
 * @returns how many owners were settled
 */
export async function reconcileReferences(deps: ReconcileDeps): Promise<number> {
  const { owners } = await deps.configManager.listUnconfirmedOwners({
    before: timestampFromDate(new Date(deps.now().getTime() - ABANDONED_MS)),
  });
  let settled = 0;
  for (const owner of owners) {
    try {
      await settle(deps, owner);
      settled += 1;
    } catch (error) {
      deps.logger.warn({ owner: owner.owner?.uid, error }, 'references not reconciled');
    }
  }
  await pruneFences(deps.database.query);
  return settled;
}

/**
 * The fence makes the snapshot final: whatever was registered up to its revision and is not committed by now never will be, so it can be
 * released without asking who registered it.
 */
async function settle(
  deps: ReconcileDeps,
  { owner, organizationUid, revision }: UnconfirmedOwner,
): Promise<void> {
  if (!owner) return;
  const { fence, committed } = await deps.database.transact(async (tx) => ({
    fence: await lockFence(tx, owner.uid, revision),
    committed: await readCommittedOwner(tx, owner.uid),
  }));
  await confirmReferences(
    deps,
    { uid: owner.uid, kind: owner.kind, slug: owner.slug, organization: { uid: organizationUid, slug: '' } },
    Math.max(fence, committed.revision),
    committed.references,
  );
}
