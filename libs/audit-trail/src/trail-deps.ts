import type { HandlerContext } from '@connectrpc/connect';
import type { SigningKey, TrailName } from '@planton/audit';
import type { Database } from '@planton/database';
import { denied, organizationCallerOf } from '@planton/rpc';
import type { AuditTables } from './tables.ts';

/** What the handlers of a trail work with. */
export interface TrailDeps {
  readonly database: Database<AuditTables>;
  readonly service: string;
  /** Absent where nothing is sealed. */
  readonly key?: SigningKey | undefined;
  readonly isTrusted: (publicKey: Uint8Array) => boolean;
}

/** The trail that a request names: that of the caller's organisation, or of the instance for its owner. */
export function trailOf(
  { service }: Pick<TrailDeps, 'service'>,
  request: { readonly instance: boolean },
  context: HandlerContext,
): TrailName {
  const { subject, membership } = organizationCallerOf(context);
  if (!request.instance) return { service, organization_uid: membership.organization.uid };
  if (!subject.instanceOwner) {
    throw denied('NOT_INSTANCE_OWNER', 'the trail of the instance is for its owner alone', {
      hint: 'sign in with the bootstrap API key',
    });
  }
  return { service, organization_uid: '' };
}
