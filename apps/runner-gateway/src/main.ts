import { randomBytes, randomUUID } from 'node:crypto';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { openAuditSettings } from '@planton/audit-trail';
import { assertOutsideTransaction, isUnavailable, openEngine } from '@planton/database';
import { openMasterKey, parseMasterKeySource } from '@planton/keyring';
import { runService } from '@planton/rpc';
import { createRunnerGateway } from './create-runner-gateway.ts';

/** RunnerService and RunnerGateway alone, with a master key of their own. */
await runService({
  name: 'runner-gateway',
  services: [RunnerService],
  database: { openEngine, isUnavailable, assertOutsideTransaction },
  assemble: async ({ server, engine, guard, logger }) => {
    const open = (source: string) => openMasterKey(parseMasterKeySource(source), { createIfMissing: false });
    const gateway = await createRunnerGateway({
      engine,
      masterKeys: {
        master: await open(server.masterKeySource),
        previous: server.previousMasterKeySource ? await open(server.previousMasterKeySource) : undefined,
      },
      audit: await openAuditSettings(server, process.env, logger),
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
    return gateway;
  },
});
