import { createSeals } from '@planton/audit-trail';
import type { Migration } from '@planton/database';

/** Makes room for the seals of the audit records. */
export const sealAudit: Migration = {
  name: '003_seal_audit',
  up: createSeals,
};
