import type { AuditOutcomeName, Caller } from '@planton/rpc';

/** One thing that somebody did to an object. Nothing in it may be a value. */
export interface AuditEvent {
  /** Such as `secret.access`. */
  readonly action: string;
  readonly resource: { readonly kind: string; readonly uid: string; readonly slug: string };
  /** Slug of the environment, empty for the organisation level. */
  readonly environment?: string;
  readonly version?: number;
  readonly purpose?: string;
  readonly outcome?: AuditOutcomeName;
  readonly details?: Readonly<Record<string, string>>;
}

/** Who did it, in the columns of the trail. */
export function actorColumns({ subject, via, requestId, peerAddress }: Caller) {
  return {
    actor_uid: subject.uid,
    actor_name: subject.name,
    via_service: via ?? '',
    api_key_uid: subject.apiKeyUid ?? '',
    request_id: requestId,
    peer_address: peerAddress,
  };
}
