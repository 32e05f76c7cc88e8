import type { Migration } from '@planton/database';
import { createRunners } from './001-create-runners.ts';
import { createOperations } from './002-create-operations.ts';
import { sealAudit } from './003-seal-audit.ts';

/** In the order in which they run. What has been released is never changed, only added to. */
export const migrations: readonly Migration[] = [createRunners, createOperations, sealAudit];
