import type { Database } from '@planton/database';
import type { Keyring } from '@planton/keyring';
import type { Logger, ScopeOf } from '@planton/rpc';
import type { ConfigTables } from './schema.ts';

/** What handlers work with. */
export interface Deps {
  readonly database: Database<ConfigTables>;
  readonly keyring: Keyring;
  readonly scopeOf: ScopeOf;
  readonly logger: Logger;
  readonly newUid: () => string;
  readonly randomBytes: (size: number) => Buffer;
}
