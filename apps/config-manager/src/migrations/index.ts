import type { Migration } from '@planton/database';
import { createConfig } from './001-create-config.ts';
import { ownSecrets } from './002-own-secrets.ts';

export const migrations: readonly Migration[] = [createConfig, ownSecrets];
