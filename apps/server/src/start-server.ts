import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { openAuditSettings } from '@planton/audit-trail';
import { createConfigManager } from '@planton/config-manager';
import { createConnectionService } from '@planton/connection-service';
import { assertOutsideTransaction, type Engine, isUnavailable, openEngine } from '@planton/database';
import { createIdentity, keepTokenSecret, ownerLinkFile } from '@planton/identity';
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
import { createRunnerGateway } from '@planton/runner-gateway';
import { createTemplatePart } from './aws-template/serve-template.ts';
import { openMasterKeys } from './open-master-keys.ts';
import { enrolPlatformRunner } from './platform-runner/enrol-platform-runner.ts';
import { startPlatformRunner } from './platform-runner/start-platform-runner.ts';

/**
 * Starts every service in this process on one database and one port, and the platform runner beside it. The services call each other
 * through the same clients, with the same interceptors and tokens as over a network.
 *
 * @param cloudIdentity the `AWS_*` variables of whoever started the server, for the platform runner alone
 */
export async function startServer(
  server: ServerSettings,
  cloudIdentity: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const logger = createLogger('server', server.logLevel);
  await mkdir(server.dataDir, { recursive: true, mode: 0o700 });
  const engine = await openEngine({
    ...server,
    applicationName: 'planton-server',
    onError: (error) => logger.warn({ error }, 'a connection to the database was lost'),
    onWaiting: (error) => logger.warn({ error }, 'the database does not answer; waiting for it'),
  });
  try {
    return await assemble(server, engine, logger, cloudIdentity);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function assemble(
  server: ServerSettings,
  engine: Engine,
  logger: Logger,
  cloudIdentity: Readonly<Record<string, string>>,
): Promise<Running> {
  const { master, previous } = await openMasterKeys(server, engine);
  const audit = await openAuditSettings(server, process.env, logger);
  const identity = await createIdentity({
    engine,
    issuer: server.publicUrl,
    secret: await keepTokenSecret(engine, { master, previous }),
    audit,
    logger,
    newUid: randomUUID,
    ownerLinkFile: ownerLinkFile(server.dataDir),
    oidc: server.oidc,
  });
  const ownerKeyFile = join(server.dataDir, 'bootstrap-api-key');
  const { created } = await identity.bootstrap({ ownerKeyFile });
  if (created) logger.info({ file: ownerKeyFile }, 'the API key of the instance owner is in this file');
  if (created && (await identity.offerOwnerLink())) {
    logger.info(
      { file: ownerLinkFile(server.dataDir) },
      'the link to set up the owner’s account is in this file',
    );
  }

  const guard = createGuard({
    issuer: server.publicUrl,
    identity: identity.port,
    rates: server.edge.rates,
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
    audit,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
    randomBytes,
  });

  const gateway = await createRunnerGateway({
    engine,
    masterKeys: { master, previous },
    audit,
    gatewayAddress: server.runnerPublicAddress,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
    now: () => new Date(),
    monotonic: () => performance.now(),
    randomBytes,
    random: Math.random,
  });

  const asConnectionService = {
    token: keepServiceToken({
      exchange: () => identity.issueServiceToken('connection-service'),
      now: Date.now,
    }),
    beforeCall: assertOutsideTransaction,
  };
  const toConfigManager = createMemoryTransport(
    configManager.routes,
    guard.interceptors,
    asConnectionService,
  );
  const toRunners = createMemoryTransport(gateway.routes, guard.interceptors, asConnectionService);
  const connectionService = await createConnectionService({
    engine,
    configManager: createClient(ConfigManager, toConfigManager),
    runners: createClient(RunnerService, toRunners),
    auditSettings: audit,
    lookUpEnvironments: identity.port.lookUpEnvironments,
    scopeOf: guard.scopeOf,
    logger,
    newUid: randomUUID,
    now: () => new Date(),
    random: Math.random,
    randomBytes,
    trust: {
      principalArn: server.awsPrincipal,
      templateUrl: server.awsTemplateUrl,
      publicUrl: server.publicUrl,
      publicUrlGiven: server.publicUrlGiven,
    },
  });

  const { address } = await gateway
    .serveRunners({ address: server.runnerListen, interceptors: guard.interceptors })
    .then(({ url }) => ({ address: new URL(url).host }));
  logger.info({ address }, 'listening for runners');
  const running = await serveParts({
    server,
    guard,
    services: [Identity, ConfigManager, ConnectionService, RunnerService],
    parts: [identity, configManager, connectionService, gateway, createTemplatePart()],
    logger,
    close: () => engine.close(),
  });
  const platformRunner = startPlatformRunner({
    cloudIdentity,
    env: process.env,
    logLevel: server.logLevel,
    enroll: enrolPlatformRunner(gateway, guard.interceptors, server.runnerListen),
    logger,
    random: Math.random,
  });
  return {
    close: async () => {
      await platformRunner.stop();
      await running.close();
    },
  };
}
