import { createSeals, numberRecords } from '@planton/audit-trail';
import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Gives the audit records the columns that those of all services have, numbers them, and makes room for their seals. */
export const sealAudit: Migration = {
  name: '003_seal_audit',
  up: async (tx) => {
    await sql`alter table audit_record
      add column environment text not null default '',
      add column version integer not null default 0,
      add column purpose text not null default ''`.execute(tx);
    await numberRecords(tx);
    await createSeals(tx);
  },
};
