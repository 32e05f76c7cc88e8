import { jsonb } from '@planton/database';
import type { AuditOutcomeName, Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** One thing that somebody did to an object, or was refused. Nothing in it may be a key, a token, or what somebody typed into a form. */
export interface AuditEvent {
  /** Such as `api_key.create`. */
  readonly action: string;
  /** Absent where there is none, as for a sign-in with an address that nobody has. */
  readonly resource?: { readonly kind: string; readonly uid: string; readonly slug: string } | undefined;
  /** `succeeded` when absent. */
  readonly outcome?: AuditOutcomeName;
  readonly details?: Readonly<Record<string, string>>;
}

/** Who did it. Without a subject it is not known who: nobody has shown yet to be anybody. */
export type AuditActor = Omit<Caller, 'membership' | 'subject'> & Partial<Pick<Caller, 'subject'>>;

/** Puts events on record, in the transaction of the write. An empty organisation stands for the instance itself. */
export async function recordAudit(
  tx: Kysely<IdentityTables>,
  organizationUid: string,
  { subject, via, requestId, peerAddress }: AuditActor,
  ...events: readonly [AuditEvent, ...AuditEvent[]]
): Promise<void> {
  await tx
    .insertInto('audit_record')
    .values(
      events.map(({ action, resource, outcome, details }) => ({
        organization_uid: organizationUid,
        action,
        actor_uid: subject?.uid ?? '',
        actor_name: subject?.name ?? '',
        via_service: via ?? '',
        api_key_uid: subject?.apiKeyUid ?? '',
        resource_kind: resource?.kind ?? '',
        resource_uid: resource?.uid ?? '',
        resource_slug: resource?.slug ?? '',
        request_id: requestId,
        outcome: outcome ?? 'succeeded',
        details: jsonb(details ?? {}),
        peer_address: peerAddress,
      })),
    )
    .execute();
}
