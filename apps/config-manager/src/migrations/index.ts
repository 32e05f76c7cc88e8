import type { Migration } from '@planton/database';
import { createConfig } from './001-create-config.ts';

export const migrations: readonly Migration[] = [createConfig];
