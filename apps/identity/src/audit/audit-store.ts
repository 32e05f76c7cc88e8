import { jsonb } from '@planton/database';
import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** One thing that somebody did to an object. Nothing in it may be a key or a token. */
export interface AuditEvent {
  /** Such as `api_key.create`. */
  readonly action: string;
  readonly resource: { readonly kind: string; readonly uid: string; readonly slug: string };
  readonly details?: Readonly<Record<string, string>>;
}

/** Puts an event on record, in the transaction of the write. An empty organisation stands for the instance itself. */
export async function recordAudit(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  actor: Omit<Caller, 'membership'>,
  event: AuditEvent,
): Promise<void> {
  await recordAuditIn(tx, [organizationUid], actor, event);
}

/** Puts an event on record in the trail of each organisation. */
export async function recordAuditIn(
  tx: Kysely<IdentityTables>,
  organizationUids: readonly string[],
  { subject, via, requestId, peerAddress }: Omit<Caller, 'membership'>,
  { action, resource, details }: AuditEvent,
): Promise<void> {
  await tx
    .insertInto('audit_record')
    .values(
      organizationUids.map((organizationUid) => ({
        organization_uid: organizationUid,
        action,
        actor_uid: subject.uid,
        actor_name: subject.name,
        via_service: via ?? '',
        api_key_uid: subject.apiKeyUid ?? '',
        resource_kind: resource.kind,
        resource_uid: resource.uid,
        resource_slug: resource.slug,
        request_id: requestId,
        outcome: 'succeeded',
        details: jsonb(details ?? {}),
        peer_address: peerAddress,
      })),
    )
    .execute();
}
