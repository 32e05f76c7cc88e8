import type { Migration } from '@planton/database';
import { createConfig } from './001-create-config.ts';
import { ownSecrets } from './002-own-secrets.ts';
import { sealAudit } from './003-seal-audit.ts';

export const migrations: readonly Migration[] = [createConfig, ownSecrets, sealAudit];
