import { createSeals, numberRecords } from '@planton/audit-trail';
import type { Migration } from '@planton/database';

/** Numbers the audit records and makes room for their seals. */
export const sealAudit: Migration = {
  name: '003_seal_audit',
  up: async (tx) => {
    await numberRecords(tx);
    await createSeals(tx);
  },
};
