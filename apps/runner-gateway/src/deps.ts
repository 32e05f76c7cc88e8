import type { KeyObject } from 'node:crypto';
import type { Database } from '@planton/database';
import type { SealingKey } from '@planton/keyring';
import type { Logger, ScopeOf } from '@planton/rpc';
import type { Authority } from './certificates/authority.ts';
import type { OperationKinds } from './operations/operation-kind.ts';
import type { Wake } from './replicas/wake.ts';
import type { RunnerTables } from './schema.ts';

/** What handlers and loops of the service work with. */
export interface Deps {
  readonly database: Database<RunnerTables>;
  readonly logger: Logger;
  readonly scopeOf: ScopeOf;
  /** Signs the certificates of instances and gateways; see `keepAuthority`. */
  readonly authority: Authority;
  /** Signs the nonces of recovery; see `keepServiceKey`. */
  readonly nonceKey: KeyObject;
  /** Seals the payloads of operations while they wait and run. */
  readonly sealingKey: SealingKey;
  /** Tells replicas to look again. */
  readonly wake: Wake;
  /** What runners can be asked to do, by the case of `OperationInput.kind`. */
  readonly operationKinds: OperationKinds;
  /** What runners dial, as `HOST:PORT`. */
  readonly gatewayAddress: string;
  /** Uid of this replica: new at every start. */
  readonly replicaUid: string;
  readonly newUid: () => string;
  /** Wall clock. What is stored takes the database's. */
  readonly now: () => Date;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  /** Cryptographically secure. */
  readonly randomBytes: (size: number) => Buffer;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}
