import type { Database } from '@planton/database';
import type { RunnerTables } from '../schema.ts';
import { PLATFORM_RUNNER_UID } from './runner.ts';
import { keepRunner } from './runner-change-store.ts';

/** Makes the registration of the platform runner unless it is there. */
export async function keepPlatformRunner({ query }: Database<RunnerTables>): Promise<void> {
  await keepRunner(query, {
    uid: PLATFORM_RUNNER_UID,
    organization: { uid: '', slug: '' },
    slug: PLATFORM_RUNNER_UID,
    name: 'Platform runner',
    by: 'runner-gateway',
  });
}
