import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Deps } from '../deps.ts';
import type { ReferenceTarget } from '../schema.ts';
import { confirmReferences } from './confirm-references.ts';
import { lockFence, pruneFences, readCommittedOwner } from './fence-store.ts';

type ReconcileDeps = Pick<Deps, 'configManager' | 'runners' | 'database' | 'logger' | 'now'>;

/** An owner whose registration was never confirmed, as either service lists it. */
interface UnconfirmedOwner {
  readonly owner?: { readonly kind: string; readonly uid: string; readonly slug: string } | undefined;
  readonly organizationUid: string;
  readonly revision: number;
}

/** An apply that has not ended after this is taken for dead; one that lives after all is fenced off and starts again. */
const ABANDONED_MS = 60_000;

const targets: readonly ReferenceTarget[] = ['config', 'runner'];

/**
 * Settles registrations that were never confirmed, because someone died between registering and committing, or between
 * committing and confirming: what is committed is confirmed, everything else is released. A service that does not answer does not
 * hold up what concerns the other.
 *
 * @returns how many registrations were settled
 */
export async function reconcileReferences(deps: ReconcileDeps): Promise<number> {
  const before = timestampFromDate(new Date(deps.now().getTime() - ABANDONED_MS));
  let settled = 0;
  for (const target of targets) {
    try {
      settled += await settleAll(deps, target, await listUnconfirmed(deps, target, before));
    } catch (error) {
      deps.logger.warn({ target, error }, 'unconfirmed references not listed');
    }
  }
  await pruneFences(deps.database.query);
  return settled;
}

async function listUnconfirmed(
  { configManager, runners }: ReconcileDeps,
  target: ReferenceTarget,
  before: Timestamp,
): Promise<readonly UnconfirmedOwner[]> {
  const { owners } =
    target === 'config'
      ? await configManager.listUnconfirmedOwners({ before })
      : await runners.listUnconfirmedRunnerOwners({ before });
  return owners;
}

async function settleAll(
  deps: ReconcileDeps,
  target: ReferenceTarget,
  owners: readonly UnconfirmedOwner[],
): Promise<number> {
  let settled = 0;
  for (const owner of owners) {
    try {
      await settle(deps, target, owner);
      settled += 1;
    } catch (error) {
      deps.logger.warn({ owner: owner.owner?.uid, target, error }, 'references not reconciled');
    }
  }
  return settled;
}

/**
 * The fence makes the snapshot final: whatever was registered up to its revision and is not committed by now never will be, so it can be
 * released without asking who registered it. One fence orders the registrations with both services.
 */
async function settle(
  deps: ReconcileDeps,
  target: ReferenceTarget,
  { owner, organizationUid, revision }: UnconfirmedOwner,
): Promise<void> {
  if (!owner) return;
  const { fence, committed } = await deps.database.transact(async (tx) => ({
    fence: await lockFence(tx, owner.uid, revision),
    committed: await readCommittedOwner(tx, owner.uid, target),
  }));
  await confirmReferences(
    deps,
    { uid: owner.uid, kind: owner.kind, slug: owner.slug, organization: { uid: organizationUid, slug: '' } },
    Math.max(fence, committed.revision),
    committed.set,
  );
}
