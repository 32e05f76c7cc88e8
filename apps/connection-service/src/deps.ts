import type { Client } from '@connectrpc/connect';
import type { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Database } from '@planton/database';
import type { Logger, LookUpEnvironments, ScopeOf } from '@planton/rpc';
import { type AuditRecorder, createAuditRecorder } from './audit/record-in-batches.ts';
import { keepSessions, type SessionKeeper } from './credentials/keep-sessions.ts';
import { createDecider, type DecideConnection } from './resolution/decide-connection.ts';
import type { ConnectTables } from './schema.ts';
import type { SetupPace } from './trust-setups/pace.ts';
import type { TrustSettings } from './trust-setups/trust-settings.ts';
import type { VerificationPace } from './verification/pace.ts';

/** What handlers and loops of the service work with. */
export interface Deps extends SharedParts {
  readonly database: Database<ConnectTables>;
  /** Called as the actor with `asActor(context)`, else in the service's own name. */
  readonly configManager: Client<typeof ConfigManager>;
  /** Called like `configManager`. */
  readonly runners: Client<typeof RunnerService>;
  readonly lookUpEnvironments: LookUpEnvironments;
  readonly scopeOf: ScopeOf;
  readonly logger: Logger;
  readonly newUid: () => string;
  /** Wall clock. What is stored takes the database's. */
  readonly now: () => Date;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Cryptographically secure. */
  readonly randomBytes: (size: number) => Buffer;
  readonly verification: VerificationPace;
  readonly trust: TrustSettings;
  readonly setupPace: SetupPace;
}

/** What the requests of a replica share. */
export interface SharedParts {
  readonly decideConnection: DecideConnection;
  readonly audit: AuditRecorder;
  readonly sessions: SessionKeeper;
}

export function createSharedParts({ database, now }: Pick<Deps, 'database' | 'now'>): SharedParts {
  return {
    decideConnection: createDecider(database),
    audit: createAuditRecorder(database),
    sessions: keepSessions({ now }),
  };
}
