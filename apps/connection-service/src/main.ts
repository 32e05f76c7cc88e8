import { randomUUID } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { assertOutsideTransaction, isUnavailable, openEngine } from '@planton/database';
import {
  createGuard,
  createLogger,
  createNetworkTransport,
  reachIdentity,
  readServerSettings,
  readServiceKey,
  readServiceUrl,
  runProcess,
  serveParts,
} from '@planton/rpc';
import { createConnectionService } from './create-connection-service.ts';

/** ConnectionService alone, over the network, on a PostgreSQL of its own. */
await runProcess(async () => {
  const server = readServerSettings(process.argv.slice(2), process.env);
  const logger = createLogger('connection-service', server.logLevel);
  const engine = await openEngine({
    ...server,
    applicationName: 'planton-connection-service',
    onError: (error) => logger.warn({ error }, 'a connection to the database was lost'),
    onWaiting: (error) => logger.warn({ error }, 'the database does not answer; waiting for it'),
  });
  const identity = reachIdentity({
    baseUrl: readServiceUrl('identity', process.env),
    serviceKey: readServiceKey(process.env),
    beforeCall: assertOutsideTransaction,
    now: Date.now,
  });
  const guard = createGuard({
    issuer: server.publicUrl,
    identity: identity.port,
    logger,
    now: Date.now,
    monotonic: () => performance.now(),
    newRequestId: randomUUID,
    isUnavailable,
  });
  const reach = (name: string) =>
    createNetworkTransport(readServiceUrl(name, process.env), {
      token: identity.token,
      beforeCall: assertOutsideTransaction,
    });
  const service = await createConnectionService({
    engine,
    configManager: createClient(ConfigManager, reach('config-manager')),
    runners: createClient(RunnerService, reach('runner-gateway')),
    lookUpEnvironments: identity.port.lookUpEnvironments,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
    now: () => new Date(),
    random: Math.random,
  });
  return serveParts({
    server,
    guard,
    services: [ConnectionService],
    parts: [service],
    logger,
    close: () => engine.close(),
  });
});
