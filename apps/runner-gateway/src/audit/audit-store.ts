import { prepareStatement } from '@planton/database';
import type { AuditOutcomeName } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { type RunnerTables, SCHEMA } from '../schema.ts';

/** One thing that was done, or refused. Never holds a token, a key or what an operation carries. */
export interface AuditEntry {
  readonly action: string;
  readonly resource: { readonly kind: string; readonly uid: string; readonly slug: string };
  readonly version?: number;
  readonly purpose?: string;
  readonly outcome?: AuditOutcomeName;
  readonly details?: Readonly<Record<string, string>>;
}

/** Who acts: a `Caller`, or an instance or token that shows itself in another way. */
export interface AuditActor {
  readonly subject: { readonly uid: string; readonly name: string; readonly apiKeyUid?: string };
  readonly via?: string;
  readonly requestId: string;
  readonly peerAddress: string;
}

/** Who acts, and for which organisation: the same for all entries of a request. The platform runner has the organisation ''. */
export interface AuditOrigin {
  readonly organizationUid: string;
  readonly caller: AuditActor;
}

const RECORD = prepareStatement(`
  insert into "${SCHEMA}".audit_record (uid, organization_uid, action, actor_uid, actor_name, via_service, api_key_uid,
    resource_kind, resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, $12, $13, $14, $15::text::jsonb, $16)`);

/** Durable with the transaction when `db` is one, else when it returns. */
export async function recordAudit(
  db: Kysely<RunnerTables>,
  uid: string,
  { organizationUid, caller }: AuditOrigin,
  entry: AuditEntry,
): Promise<void> {
  await db.executeQuery(
    RECORD([
      uid,
      organizationUid,
      entry.action,
      caller.subject.uid,
      caller.subject.name,
      caller.via ?? '',
      caller.subject.apiKeyUid ?? '',
      entry.resource.kind,
      entry.resource.uid,
      entry.resource.slug,
      entry.version ?? 0,
      caller.requestId,
      entry.purpose ?? '',
      entry.outcome ?? 'succeeded',
      JSON.stringify(entry.details ?? {}),
      caller.peerAddress,
    ]),
  );
}
