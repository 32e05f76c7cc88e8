import { state } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { checkOwner } from './reference.ts';
import { keepTargets, listTargets, lockOwner, type OwnerIdentity, reviseOwner } from './reference-store.ts';

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
  runnerUids: readonly string[],
): Promise<void> {
  await database.transact(async (tx) => {
    const stored = await lockOwner(tx, owner);
    checkOwner(stored, owner, revision);
    const registered = await listTargets(tx, owner.uid);
    const unknown = runnerUids.filter((uid) => !registered.has(uid));
    if (unknown.length > 0) {
      throw state(
        'REFERENCES_NOT_REGISTERED',
        `${owner.kind} ${owner.slug} has not registered ${unknown.map((uid) => `runner ${JSON.stringify(uid)}`).join(', ')}`,
        { metadata: { count: String(unknown.length) } },
      );
    }
    await keepTargets(tx, owner.uid, runnerUids);
    await reviseOwner(tx, owner, revision, revision);
  });
}
