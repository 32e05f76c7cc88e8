import { prepareStatement } from '@planton/database';
import type { AuditOutcomeName, Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { type ConnectTables, SCHEMA } from '../schema.ts';

/** One thing that was done, or refused. Never holds a secret value. */
export interface AuditEntry {
  readonly action: string;
  readonly resource: { readonly kind: string; readonly uid: string; readonly slug: string };
  readonly environment?: string;
  readonly version?: number;
  readonly purpose?: string;
  readonly outcome?: AuditOutcomeName;
  readonly details?: Readonly<Record<string, string>>;
}

/** Who acts, and where: the same for all entries of a request. */
export interface AuditOrigin {
  readonly organizationUid: string;
  readonly caller: Caller;
}

/** An entry with whose it is. */
export interface AuditRecord {
  readonly uid: string;
  readonly origin: AuditOrigin;
  readonly entry: AuditEntry;
}

const RECORD = prepareStatement(`
  insert into "${SCHEMA}".audit_record (uid, organization_uid, action, actor_uid, actor_name, via_service, api_key_uid,
    resource_kind, resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
  select uid, organization_uid, action, actor_uid, actor_name, via_service, api_key_uid,
    resource_kind, resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address
  from json_to_recordset($1::text::json) as given (uid text, organization_uid text, action text, actor_uid text,
    actor_name text, via_service text, api_key_uid text, resource_kind text, resource_uid text, resource_slug text,
    environment text, version integer, request_id text, purpose text, outcome text, details jsonb, peer_address text)`);

/** One statement, whatever their number. Durable with the transaction when `db` is one, else when it returns. */
export async function insertAuditRecords(
  db: Kysely<ConnectTables>,
  records: readonly AuditRecord[],
): Promise<void> {
  await db.executeQuery(RECORD([JSON.stringify(records.map(columnsOf))]));
}

/** Durable with the transaction when `db` is one, else when it returns. */
export function recordAudit(
  db: Kysely<ConnectTables>,
  uid: string,
  origin: AuditOrigin,
  entry: AuditEntry,
): Promise<void> {
  return insertAuditRecords(db, [{ uid, origin, entry }]);
}

function columnsOf({ uid, origin: { organizationUid, caller }, entry }: AuditRecord) {
  return {
    uid,
    organization_uid: organizationUid,
    action: entry.action,
    actor_uid: caller.subject.uid,
    actor_name: caller.subject.name,
    via_service: caller.via ?? '',
    api_key_uid: caller.subject.apiKeyUid ?? '',
    resource_kind: entry.resource.kind,
    resource_uid: entry.resource.uid,
    resource_slug: entry.resource.slug,
    environment: entry.environment ?? '',
    version: entry.version ?? 0,
    request_id: caller.requestId,
    purpose: entry.purpose ?? '',
    outcome: entry.outcome ?? 'succeeded',
    details: entry.details ?? {},
    peer_address: caller.peerAddress,
  };
}
