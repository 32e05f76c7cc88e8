import type { Migration } from '@planton/database';
import { createConnections } from './001-create-connections.ts';
import { verifyConnections } from './002-verify-connections.ts';
import { createTrustSetups } from './003-create-trust-setups.ts';
import { probeTrust } from './004-probe-trust.ts';
import { sealAudit } from './005-seal-audit.ts';
import { createOrganizationPolicy } from './006-create-organization-policy.ts';

/** In the order in which they are applied; a released one is never changed. */
export const migrations: readonly Migration[] = [
  createConnections,
  verifyConnections,
  createTrustSetups,
  probeTrust,
  sealAudit,
  createOrganizationPolicy,
];
