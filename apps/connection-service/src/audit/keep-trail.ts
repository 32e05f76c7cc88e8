import { type AuditSettings, type AuditTrail, keepAuditTrail } from '@planton/audit-trail';
import type { Deps } from '../deps.ts';
import { SCHEMA } from '../schema.ts';

/** The trail of the service: its RPCs, its sealing and its streams. Neither of the latter without `audit`. */
export function keepTrail(
  { database, logger, newUid, random }: Pick<Deps, 'database' | 'logger' | 'newUid' | 'random'>,
  audit?: AuditSettings,
): AuditTrail {
  const { engine } = database;
  const service = 'connection-service';
  return keepAuditTrail({ engine, schema: SCHEMA, service, audit, logger, replica: newUid(), random });
}
