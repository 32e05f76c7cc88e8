import type { RequestOrigin } from '@planton/rpc';
import type { Transaction } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { insertRevocation } from '../runners/runner-change-store.ts';
import type { RunnerTables } from '../schema.ts';
import { type Identity, instanceEntry, originOfInstance } from './identity.ts';
import { lockOutRow } from './identity-store.ts';

/**
 * Locks an instance that showed a certificate whose successor had been used: its key may be in two places. It stays locked, and every
 * replica ends its sessions; whoever calls says so with `wake.revoked` and `wake.changed` once the transaction is over.
 *
 * @param instance locked against other changes
 * @param generation of the certificate that was shown
 */
export async function lockOut(
  tx: Transaction<RunnerTables>,
  { newUid }: Pick<Deps, 'newUid'>,
  instance: Pick<Identity, 'uid' | 'name' | 'slug' | 'runner_uid' | 'organization_uid' | 'used_generation'>,
  generation: number,
  origin: RequestOrigin,
): Promise<void> {
  await lockOutRow(tx, instance.uid);
  await insertRevocation(tx, {
    uid: newUid(),
    runnerUid: instance.runner_uid,
    instanceUid: instance.uid,
    reason: 'locked',
  });
  await recordAudit(tx, newUid(), originOfInstance(instance, origin), {
    ...instanceEntry('lock', instance, generation, { used_generation: String(instance.used_generation) }),
    outcome: 'denied',
  });
}
