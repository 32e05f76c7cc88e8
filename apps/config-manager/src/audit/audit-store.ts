import { jsonb } from '@planton/database';
import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import type { ConfigTables } from '../schema.ts';
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
