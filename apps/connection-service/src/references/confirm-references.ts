import { RegistrationPhase } from '@planton/api/common/v1/reference';
import { ReferencePhase } from '@planton/api/config/v1/reference';
import { toDomainError } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { OutboxSet, Owner } from './outbox-store.ts';
import { referenceMessage, uniqueReferences } from './reference.ts';

/**
 * Confirms, in the service's own name, the exact set that an owner committed. An owner that has registered something newer since
 * is left alone: that change will be confirmed or reconciled itself.
 */
export async function confirmReferences(
  { configManager, runners }: Pick<Deps, 'configManager' | 'runners'>,
  { kind, uid, slug, organization }: Owner,
  revision: number,
  set: OutboxSet,
): Promise<void> {
  const registration = {
    org: organization.slug,
    organizationUid: organization.uid,
    owner: { kind, uid, slug },
    revision,
  };
  try {
    if (set.target === 'config') {
      await configManager.setReferences({
        ...registration,
        references: uniqueReferences(set.references).map(referenceMessage),
        phase: ReferencePhase.COMMIT,
      });
    } else {
      await runners.setRunnerReferences({
        ...registration,
        runners: [...set.runnerUids],
        phase: RegistrationPhase.COMMIT,
      });
    }
  } catch (thrown) {
    if (toDomainError(thrown)?.kind !== 'stale') throw thrown;
  }
}
