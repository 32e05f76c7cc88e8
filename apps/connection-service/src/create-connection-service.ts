import type { ConnectRouter } from '@connectrpc/connect';
import type { AuditSettings } from '@planton/audit-trail';
import { type Engine, migrate, openDatabase } from '@planton/database';
import type { HttpRoute } from '@planton/rpc';
import { keepTrail } from './audit/keep-trail.ts';
import { createSharedParts, type Deps, type SharedParts } from './deps.ts';
import { migrations } from './migrations/index.ts';
import { keepReferences } from './references/keep-references.ts';
import { connectionRoutes } from './routes.ts';
import { type ConnectTables, SCHEMA } from './schema.ts';
import { keepTrustSetups } from './trust-setups/keep-trust-setups.ts';
import { defaultSetupPace, type SetupPace } from './trust-setups/pace.ts';
import { serveCallback } from './trust-setups/serve-callback.ts';
import { keepVerifications } from './verification/keep-verifications.ts';
import { defaultPace, type VerificationPace } from './verification/pace.ts';

export interface ConnectionServiceDeps
  extends Omit<Deps, 'database' | 'verification' | 'setupPace' | keyof SharedParts> {
  /** Holds the service's tables in the schema `connect`. The caller closes it. */
  readonly engine: Engine;
  /** How often connections are verified without being asked: a minute after a change, and then every six hours, when absent. */
  readonly verification?: VerificationPace;
  /** How the audit trail is sealed and streamed; neither when absent. */
  readonly auditSettings?: AuditSettings;
  /** How fast set-ups of cross-account trust are carried on; as `defaultSetupPace` says when absent. */
  readonly setupPace?: SetupPace;
}

export interface RunningConnectionService {
  routes(router: ConnectRouter): void;
  /** The callback of stacks. */
  readonly http: readonly HttpRoute[];
  /** Starts the background work. */
  start(): void;
  /** Ends the background work and waits for it. */
  stop(): Promise<void>;
  /** Whether the service can answer. */
  ready(): Promise<boolean>;
  /** How far the sinks of the audit trail are behind, a line each. */
  notes(): readonly string[];
}

/** Brings the schema up to date and assembles the service. Throws `MigrationError`. */
export async function createConnectionService({
  engine,
  verification = defaultPace,
  setupPace = defaultSetupPace,
  auditSettings,
  ...others
}: ConnectionServiceDeps): Promise<RunningConnectionService> {
  await migrate(engine, SCHEMA, migrations);
  const database = openDatabase<ConnectTables>(engine, SCHEMA);
  const shared = createSharedParts({ database, now: others.now });
  const deps: Deps = { ...others, ...shared, verification, setupPace, database };
  const references = keepReferences(deps);
  const verifications = keepVerifications(deps);
  const setups = keepTrustSetups(deps);
  const trail = keepTrail(deps, auditSettings);
  return {
    routes: connectionRoutes(deps, trail),
    http: [serveCallback(deps)],
    start: () => {
      references.start();
      verifications.start();
      setups.start();
      trail.start();
    },
    stop: async () => {
      await Promise.all([references.stop(), verifications.stop(), setups.stop(), trail.stop()]);
      shared.sessions.clear();
    },
    notes: trail.notes,
    ready: () =>
      engine.ping().then(
        () => true,
        () => false,
      ),
  };
}
