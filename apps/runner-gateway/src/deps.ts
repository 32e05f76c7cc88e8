import type { Database } from '@planton/database';
import type { Logger } from '@planton/rpc';
import type { RunnerTables } from './schema.ts';

/** What handlers and loops of the service work with. */
export interface Deps {
  readonly database: Database<RunnerTables>;
  readonly logger: Logger;
  /** Uid of this replica: new at every start. */
  readonly replicaUid: string;
  readonly newUid: () => string;
  /** Wall clock. What is stored takes the database's. */
  readonly now: () => Date;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}
