import { jsonb } from '@planton/database';
import type { Caller } from '@planton/rpc';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { AuditRecordTable, ConfigTables } from '../schema.ts';
import { type AuditEvent, actorColumns } from './audit-record.ts';

/** Puts events on record: in the transaction of a write, or alone. */
export async function recordAudit(
  db: Kysely<ConfigTables>,
  organizationUid: string,
  caller: Caller,
  events: readonly AuditEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const actor = actorColumns(caller);
  await db
    .insertInto('audit_record')
    .values(
      events.map(({ action, resource, environment, version, purpose, outcome, details }) => ({
        ...actor,
        organization_uid: organizationUid,
        action,
        resource_kind: resource.kind,
        resource_uid: resource.uid,
        resource_slug: resource.slug,
        environment: environment ?? '',
        version: version ?? 0,
        purpose: purpose ?? '',
        outcome: outcome ?? 'succeeded',
        details: jsonb(details ?? {}),
      })),
    )
    .execute();
}

export interface AuditFilter {
  readonly organizationUid: string;
  /** Empty texts and absent times do not filter. */
  readonly action: string;
  readonly resourceSlug: string;
  readonly actorUid: string;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

/** A place in the trail: the time to the microsecond, since many records share a millisecond. */
export interface AuditPlace {
  readonly time: string;
  readonly uid: string;
}

export type StoredAuditRecord = Selectable<AuditRecordTable> & { readonly time: string };

/** The records after a place, newest first. */
export async function listAudit(
  db: Kysely<ConfigTables>,
  filter: AuditFilter,
  after: AuditPlace | undefined,
  limit: number,
): Promise<StoredAuditRecord[]> {
  const exact = sql<string>`to_char(record_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  let query = db
    .selectFrom('audit_record')
    .selectAll()
    .select(exact.as('time'))
    .where('organization_uid', '=', filter.organizationUid);
  if (filter.action !== '') query = query.where('action', '=', filter.action);
  if (filter.resourceSlug !== '') query = query.where('resource_slug', '=', filter.resourceSlug);
  if (filter.actorUid !== '') query = query.where('actor_uid', '=', filter.actorUid);
  if (filter.since) query = query.where('record_time', '>=', filter.since);
  if (filter.until) query = query.where('record_time', '<', filter.until);
  if (after)
    query = query.where(sql<boolean>`(record_time, uid) < (${after.time}::timestamptz, ${after.uid})`);
  return query.orderBy('record_time', 'desc').orderBy('uid', 'desc').limit(limit).execute();
}
