import { randomUUID } from 'node:crypto';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { assertOutsideTransaction, isUnavailable, openEngine } from '@planton/database';
import { createKeyring, openMasterKey, parseMasterKeySource } from '@planton/keyring';
import {
  createGuard,
  createLogger,
  reachIdentity,
  readServerSettings,
  readServiceKey,
  readServiceUrl,
  runProcess,
  serveParts,
} from '@planton/rpc';
import { createConfigManager } from './index.ts';

/** ConfigManager alone, over the network, on a PostgreSQL and with a master key of its own. */
await runProcess(async () => {
  const server = readServerSettings(process.argv.slice(2), process.env);
  const logger = createLogger('config-manager', server.logLevel);
  const identity = reachIdentity({
    baseUrl: readServiceUrl('identity', process.env),
    serviceKey: readServiceKey(process.env),
    beforeCall: assertOutsideTransaction,
    now: Date.now,
  });
  const open = (source: string) => openMasterKey(parseMasterKeySource(source), { createIfMissing: false });
  const master = await open(server.masterKeySource);
  const previous = server.previousMasterKeySource ? await open(server.previousMasterKeySource) : undefined;
  const engine = await openEngine({
    ...server,
    applicationName: 'planton-config-manager',
    onError: (error) => logger.warn({ error }, 'a connection to the database was lost'),
    onWaiting: (error) => logger.warn({ error }, 'the database does not answer; waiting for it'),
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
  const service = await createConfigManager({
    engine,
    keyring: createKeyring({ master, ...(previous ? { previous } : {}) }),
    previousFingerprint: previous?.fingerprint,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
  });
  return serveParts({
    server,
    guard,
    services: [ConfigManager],
    parts: [service],
    logger,
    close: () => engine.close(),
  });
});
