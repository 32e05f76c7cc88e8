import type { RequestOrigin } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { lockIdentity } from '../enrolment/identity-store.ts';
import { lockOut } from '../enrolment/lock-out.ts';

/**
 * Locks an instance that showed a certificate which had been replaced and whose successor was used, on a hello. Its sessions end on every
 * replica. What was locked or revoked meanwhile stays as it is.
 */
export async function lockReplaced(
  deps: Pick<Deps, 'database' | 'newUid' | 'wake'>,
  shown: { readonly instanceUid: string; readonly generation: number },
  origin: RequestOrigin,
): Promise<void> {
  const organizationUid = await deps.database.transact(async (tx) => {
    const instance = await lockIdentity(tx, shown.instanceUid);
    if (!instance || instance.lock_time || instance.revoke_time) return undefined;
    if (shown.generation >= instance.used_generation) return undefined;
    await lockOut(tx, deps, instance, shown.generation, origin);
    return instance.organization_uid;
  });
  if (organizationUid === undefined) return;
  deps.wake.revoked();
  deps.wake.changed(organizationUid);
}
