import type { ConnectRouter } from '@connectrpc/connect';
import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import { type AuditSettings, keepAuditTrail } from '@planton/audit-trail';
import { type Engine, migrate, openDatabase } from '@planton/database';
import { createSealingKey } from '@planton/keyring';
import type { MutualTlsListener } from '@planton/rpc';
import { keepAuthority } from './certificates/keep-authority.ts';
import { keepServiceKey } from './certificates/keep-service-key.ts';
import type { MasterKeys } from './certificates/master-keys.ts';
import type { Deps } from './deps.ts';
import { createPlatformToken } from './enrolment/create-platform-token.ts';
import { sweepRunners } from './enrolment/sweep-runners.ts';
import { migrations } from './migrations/index.ts';
import { createDispatcher } from './operations/dispatch.ts';
import { operationKinds } from './operations/operation-kinds.ts';
import { createResultRecorder, type ResultRecorder } from './operations/record-result.ts';
import { createStepRecorder } from './operations/record-steps.ts';
import {
  cancelHere,
  createAttemptReconciler,
  deleteOld,
  endDueOperations,
  type OperationTimes,
  operationTimes,
} from './operations/sweep-operations.ts';
import { eraseSealedOutputs } from './operations/sweep-store.ts';
import { createOperationTaker } from './operations/take-operation.ts';
import { createWaits } from './operations/waits.ts';
import { keepLease } from './replicas/keep-lease.ts';
import { runLoops } from './replicas/run-loops.ts';
import { createWake } from './replicas/wake.ts';
import { gatewayRoutes, runnerRoutes } from './routes.ts';
import { keepPlatformRunner } from './runners/keep-platform-runner.ts';
import { type RunnerTables, SCHEMA } from './schema.ts';
import { type ServeRunnersSettings, serveRunners } from './serve-runners.ts';
import { createHelloAcceptor, type SessionLimits } from './sessions/accept-hello.ts';
import { drainSessions } from './sessions/drain-sessions.ts';
import { endRevoked } from './sessions/end-revoked.ts';
import { createSessionEnder } from './sessions/end-sessions.ts';
import { createLiveSessions } from './sessions/live-sessions.ts';
import { createSessionReconciler } from './sessions/reconcile-sessions.ts';
import type { Session } from './sessions/session.ts';
import { type SessionTimes, sessionTimes, sweepSessions } from './sessions/sweep-sessions.ts';

/** Milliseconds that sessions are given to leave when the service stops. */
const stopTimes = { drainMs: 8_000 };
/** Milliseconds that connections are given to take their last frames. */
const CLOSE_MS = 1_000;
/** Sealed outputs are erased before they are a minute old, whenever the loop comes by. */
const SEALED_MS = 50_000;
const SWEEP_INTERVAL_MS = 1_000;

const sessionLimits: SessionLimits = { perRunner: 200, perReplica: 20_000 };

export interface RunnerGatewayDeps
  extends Pick<
    Deps,
    'logger' | 'scopeOf' | 'gatewayAddress' | 'newUid' | 'now' | 'monotonic' | 'randomBytes' | 'random'
  > {
  /** Holds the service's tables in the schema `runner`. The caller closes it. */
  readonly engine: Engine;
  readonly masterKeys: MasterKeys;
  /** How the audit trail is sealed and streamed; neither when absent. */
  readonly audit?: AuditSettings;
  /** Those that there are, when absent. */
  readonly operationKinds?: Deps['operationKinds'];
  readonly sessionLimits?: Partial<SessionLimits>;
  readonly times?: Partial<OperationTimes & SessionTimes & typeof stopTimes>;
}

export interface RunningRunnerGateway {
  readonly replicaUid: string;
  /** `RunnerService`, for the API listener. */
  routes(router: ConnectRouter): void;
  /** `RunnerGateway`, for a listener that demands client certificates. */
  gatewayRoutes(router: ConnectRouter): void;
  /** Listens for runners until the service stops. */
  serveRunners(settings: ServeRunnersSettings): Promise<MutualTlsListener>;
  /** Starts the background work. Sessions are accepted once the database has taken the first heartbeat. */
  start(): void;
  /** Asks every session to leave, within this many milliseconds, and accepts no other. */
  drain(timeoutMs: number): Promise<void>;
  /** Drains, ends the background work, closes the listener for runners, and waits for all of it. */
  stop(): Promise<void>;
  /** Whether calls can be answered and runners accepted. */
  ready(): Promise<boolean>;
  /** How far the sinks of the audit trail are behind, a line each. */
  notes(): readonly string[];
  /** A token that lets one platform runner enrol, once, within five minutes. */
  enrolPlatformRunner(): Promise<string>;
}

/** Brings the schema up to date and assembles the service. Throws `MigrationError`, and `MASTER_KEY_WRONG` for a wrong master key. */
export async function createRunnerGateway(given: RunnerGatewayDeps): Promise<RunningRunnerGateway> {
  const { engine, masterKeys, logger, newUid, monotonic, random } = given;
  await migrate(engine, SCHEMA, migrations);
  const database = openDatabase<RunnerTables>(engine, SCHEMA);
  const { nonceKey, sealingSecret } = await keepServiceKey(database, masterKeys);
  const sealingKey = createSealingKey(sealingSecret, 'planton/operation');
  sealingSecret.fill(0);
  const authority = await keepAuthority(database, masterKeys);
  await keepPlatformRunner(database);

  const replicaUid = newUid();
  const times = { ...operationTimes, ...sessionTimes, ...stopTimes, ...given.times };
  const live = createLiveSessions();
  const unwelcomed = new Set<Session>();
  const lookAtEverything = () => {
    void reconciler.checkAll().catch(noticed);
    void dispatcher.lookAtAll().catch(noticed);
    void waits.lookAtAll().catch(noticed);
    void endRevoked({ deps, live, ender }).catch(noticed);
  };
  const noticed = (error: unknown) =>
    logger.debug({ error }, 'a look that was asked for failed; the next one comes');

  const lease = keepLease({
    database,
    replicaUid,
    monotonic,
    random,
    logger,
    onHeld: lookAtEverything,
    onCutOff: () => {
      const message = 'this gateway cannot reach its database; connect again';
      for (const session of [...live.all()])
        ender.end(session, { by: 'gateway', reason: GatewayGoodbyeReason.UNAVAILABLE, message });
      waits.abandon();
    },
    onReaped: (organizationUids) => {
      for (const organizationUid of organizationUids) wake.changed(organizationUid);
    },
  });
  const wake = createWake({
    engine,
    replicaUid,
    logger,
    hasPeers: lease.hasPeers,
    handlers: {
      work: (runnerUid) => dispatcher.work(runnerUid),
      ended: (uid) => waits.look(uid),
      stepped: (uid) => waits.look(uid),
      cancelled: (uid) => cancelHere(live, uid),
      superseded: (instanceUid) => {
        if (live.ofInstance(instanceUid)) void reconciler.check([instanceUid]).catch(noticed);
      },
      revoked: () => void endRevoked({ deps, live, ender }).catch(noticed),
      changed: () => {},
      all: lookAtEverything,
    },
  });
  const deps: Deps = {
    ...given,
    database,
    authority,
    nonceKey,
    sealingKey,
    wake,
    replicaUid,
    operationKinds: given.operationKinds ?? operationKinds,
  };

  const waits = createWaits({
    database,
    logger,
    kinds: deps.operationKinds,
    isHere: (uid) => live.attempt(uid) !== undefined,
  });
  const ender = createSessionEnder({ deps, live });
  const reconciler = createSessionReconciler({ deps, live, ender });
  const dispatcher = createDispatcher({ deps, live, lease, results: () => results });
  const results: ResultRecorder = createResultRecorder({ deps, live, waits, onRoom: dispatcher.room });
  const steps = createStepRecorder({ deps, waits });
  const acceptor = createHelloAcceptor({
    deps,
    live,
    lease,
    ender,
    dispatcher,
    limits: { ...sessionLimits, ...given.sessionLimits },
  });
  const taker = createOperationTaker({ deps, live, waits, dispatcher });
  const reconcileAttempts = createAttemptReconciler({ deps, live });
  const runnerGatewayRoutes = gatewayRoutes({ deps, acceptor, ender, results, steps, unwelcomed }, deps);

  const trail = keepAuditTrail({
    engine,
    schema: SCHEMA,
    service: 'runner-gateway',
    audit: given.audit,
    logger,
    replica: replicaUid,
    random,
  });
  let loops: ReturnType<typeof runLoops> | undefined;
  let sweep: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  const listeners: MutualTlsListener[] = [];
  const drain = async (timeoutMs: number) => {
    acceptor.drain();
    dispatcher.stop();
    await drainSessions({ live, ender, monotonic }, timeoutMs);
  };

  return {
    replicaUid,
    routes: runnerRoutes({ deps, live, taker }, wake, trail),
    gatewayRoutes: runnerGatewayRoutes,
    serveRunners: async (settings) => {
      const listener = await serveRunners(deps, runnerGatewayRoutes, settings);
      listeners.push(listener);
      return listener;
    },
    start: () => {
      trail.start();
      starting = lease.start();
      sweep = setInterval(
        () => sweepSessions({ live, ender, unwelcomed, times }, monotonic()),
        SWEEP_INTERVAL_MS,
      );
      loops = runLoops(
        [
          { what: 'ending revoked sessions', everyMs: 500, work: () => endRevoked({ deps, live, ender }) },
          {
            what: 'ending operations that are due',
            everyMs: 1_000,
            work: () => endDueOperations(deps, times),
          },
          { what: 'looking for operations that wait', everyMs: 1_000, work: dispatcher.lookAtAll },
          { what: 'looking for operations that ended', everyMs: 1_000, work: waits.lookAtAll },
          { what: 'comparing operations with the record', everyMs: 2_000, work: reconcileAttempts },
          { what: 'comparing sessions with the record', everyMs: 5_000, work: reconciler.checkAll },
          {
            what: 'erasing sealed outputs',
            everyMs: 5_000,
            work: () => eraseSealedOutputs(database.query, SEALED_MS),
          },
          { what: 'deleting old operations', everyMs: 60_000, work: () => deleteOld(deps) },
          { what: 'forgetting old instances', everyMs: 60_000, work: () => sweepRunners(database) },
        ],
        { logger, random },
      );
    },
    drain,
    stop: async () => {
      await starting;
      await drain(times.drainMs);
      await Promise.all([loops?.stop(), trail.stop()]);
      clearInterval(sweep);
      await Promise.all([dispatcher.idle(), results.idle(), ender.idle()]);
      await Promise.all(listeners.splice(0).map((listener) => listener.close(CLOSE_MS)));
      await ender.idle();
      waits.abandon();
      await lease.stop();
      await wake.close();
    },
    // Held means that the database has answered within the last two seconds.
    ready: async () => lease.state() === 'held',
    notes: trail.notes,
    enrolPlatformRunner: () => createPlatformToken(deps),
  };
}
