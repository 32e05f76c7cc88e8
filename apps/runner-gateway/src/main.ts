import { randomBytes, randomUUID } from 'node:crypto';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { assertOutsideTransaction, isUnavailable, openEngine } from '@planton/database';
import { openMasterKey, parseMasterKeySource } from '@planton/keyring';
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
import { createRunnerGateway } from './create-runner-gateway.ts';

/** RunnerService and RunnerGateway alone, over the network, on a PostgreSQL of their own. */
await runProcess(async () => {
  const server = readServerSettings(process.argv.slice(2), process.env);
  const logger = createLogger('runner-gateway', server.logLevel);
  const engine = await openEngine({
    ...server,
    applicationName: 'planton-runner-gateway',
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
  const openKey = (source: string) => openMasterKey(parseMasterKeySource(source), { createIfMissing: false });
  const gateway = await createRunnerGateway({
    engine,
    masterKeys: {
      master: await openKey(server.masterKeySource),
      previous: server.previousMasterKeySource ? await openKey(server.previousMasterKeySource) : undefined,
    },
    gatewayAddress: server.runnerPublicAddress,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
    now: () => new Date(),
    monotonic: () => performance.now(),
    randomBytes,
    random: Math.random,
  });
  const { url } = await gateway.serveRunners({
    address: server.runnerListen,
    interceptors: guard.interceptors,
  });
  logger.info({ address: new URL(url).host }, 'listening for runners');
  return serveParts({
    server,
    guard,
    services: [RunnerService],
    parts: [gateway],
    logger,
    close: () => engine.close(),
  });
});
