import { state } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { checkOwner } from './check-owner.ts';
import { type Target, targetName } from './reference.ts';
import {
  keepReferences,
  listReferences,
  lockOwner,
  type OwnerIdentity,
  reviseOwner,
} from './reference-store.ts';

/**
 * Leaves the owner exactly the references that it committed. It can only shrink what was registered: there may be no actor any more
 * whose permission could be asked for. Doing it again changes nothing.
 *
 * @throws `REFERENCES_NOT_REGISTERED` for one that is not registered
 */
export async function commitReferences(
  { database }: Deps,
  owner: OwnerIdentity,
  revision: number,
  targets: readonly Target[],
): Promise<void> {
  await database.transact(async (tx) => {
    const stored = await lockOwner(tx, owner);
    checkOwner(stored, owner, revision);
    const registered = new Set((await listReferences(tx, owner.uid)).map(targetName));
    const unknown = targets.filter((target) => !registered.has(targetName(target)));
    if (unknown.length > 0) {
      throw state(
        'REFERENCES_NOT_REGISTERED',
        `${owner.kind} ${owner.slug} has not registered ${unknown.map(({ kind, slug }) => `${kind} "${slug}"`).join(', ')}`,
        { metadata: { count: String(unknown.length) } },
      );
    }
    await keepReferences(tx, owner.uid, targets);
    await reviseOwner(tx, owner, revision, revision);
  });
}
