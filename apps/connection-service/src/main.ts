import { randomBytes, randomUUID } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { openAuditSettings } from '@planton/audit-trail';
import { assertOutsideTransaction, isUnavailable, openEngine } from '@planton/database';
import { runService } from '@planton/rpc';
import { createConnectionService } from './create-connection-service.ts';

/** ConnectionService alone. */
await runService({
  name: 'connection-service',
  services: [ConnectionService],
  database: { openEngine, isUnavailable, assertOutsideTransaction },
  assemble: async ({ server, engine, guard, identity, logger, reach }) =>
    createConnectionService({
      engine,
      configManager: createClient(ConfigManager, reach('config-manager')),
      runners: createClient(RunnerService, reach('runner-gateway')),
      auditSettings: await openAuditSettings(server, process.env, logger),
      lookUpEnvironments: identity.lookUpEnvironments,
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
    }),
});
