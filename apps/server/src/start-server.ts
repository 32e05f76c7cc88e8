import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, createClient } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { createConfigManager } from '@planton/config-manager';
import { createConnectionService } from '@planton/connection-service';
import { assertOutsideTransaction, type Engine, isUnavailable, openEngine } from '@planton/database';
import { createIdentity, keepTokenSecret } from '@planton/identity';
import { createKeyring } from '@planton/keyring';
import {
  createGuard,
  createLogger,
  createMemoryTransport,
  keepServiceToken,
  type Logger,
  type Running,
  type ServerSettings,
  serveParts,
} from '@planton/rpc';
import { openMasterKeys } from './open-master-keys.ts';

/**
 * Starts every service in this process on one database and one port. They call each other through the same clients, with
 * the same interceptors and tokens as over a network.
 */
export async function startServer(server: ServerSettings): Promise<Running> {
  const logger = createLogger('server', server.logLevel);
  await mkdir(server.dataDir, { recursive: true, mode: 0o700 });
  const engine = await openEngine({
    ...server,
    applicationName: 'planton-server',
    onError: (error) => logger.warn({ error }, 'a connection to the database was lost'),
    onWaiting: (error) => logger.warn({ error }, 'the database does not answer; waiting for it'),
  });
  try {
    return await assemble(server, engine, logger);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function assemble(server: ServerSettings, engine: Engine, logger: Logger): Promise<Running> {
  const { master, previous } = await openMasterKeys(server, engine);
  const identity = await createIdentity({
    engine,
    issuer: server.publicUrl,
    secret: await keepTokenSecret(engine, { master, previous }),
    logger,
    newUid: randomUUID,
  });
  const ownerKeyFile = join(server.dataDir, 'bootstrap-api-key');
  const { created } = await identity.bootstrap({ ownerKeyFile });
  if (created) logger.info({ file: ownerKeyFile }, 'the API key of the instance owner is in this file');

  const guard = createGuard({
    issuer: server.publicUrl,
    identity: identity.port,
    logger,
    now: Date.now,
    monotonic: () => performance.now(),
    newRequestId: randomUUID,
    isUnavailable,
  });
  const configManager = await createConfigManager({
    engine,
    keyring: createKeyring({ master, ...(previous ? { previous } : {}) }),
    previousFingerprint: previous?.fingerprint,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
  });

  const toConfigManager: Client<typeof ConfigManager> = createClient(
    ConfigManager,
    createMemoryTransport(configManager.routes, guard.interceptors, {
      token: keepServiceToken({
        exchange: () => identity.issueServiceToken('connection-service'),
        now: Date.now,
      }),
      beforeCall: assertOutsideTransaction,
    }),
  );
  const connectionService = await createConnectionService({
    engine,
    configManager: toConfigManager,
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
    services: [Identity, ConfigManager, ConnectionService],
    parts: [identity, configManager, connectionService],
    logger,
    close: () => engine.close(),
  });
}
