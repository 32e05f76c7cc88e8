import type { AuditOrigin } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import type { TrustSetup } from './trust-setup.ts';

const NAME = 'connection-service';

/** The audit names the service where it carries a set-up on by itself. */
export function serviceOrigin({ newUid }: Pick<Deps, 'newUid'>, setup: TrustSetup): AuditOrigin {
  const subject = { kind: 'service', uid: NAME, name: NAME, instanceOwner: false } as const;
  return {
    organizationUid: setup.organization_uid,
    caller: { subject, requestId: newUid(), peerAddress: '' },
  };
}
