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
  actor: AuditActor,
  ...events: readonly [AuditEvent, ...AuditEvent[]]
): Promise<void> {
  await tx
    .insertInto('audit_record')
    .values(events.map((event) => rowOf(organizationUid, actor, event)))
    .execute();
}

/** Puts an event on record in the trail of each organisation. */
export async function recordAuditIn(
  tx: Kysely<IdentityTables>,
  organizationUids: readonly string[],
  actor: AuditActor,
  event: AuditEvent,
): Promise<void> {
  await tx
    .insertInto('audit_record')
    .values(organizationUids.map((organizationUid) => rowOf(organizationUid, actor, event)))
    .execute();
}

function rowOf(
  organizationUid: string,
  { subject, via, requestId, peerAddress }: AuditActor,
  { action, resource, outcome, details }: AuditEvent,
) {
  return {
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
  };
}
