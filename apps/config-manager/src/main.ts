import { randomBytes, randomUUID } from 'node:crypto';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { openAuditSettings } from '@planton/audit-trail';
import { assertOutsideTransaction, isUnavailable, openEngine } from '@planton/database';
import { createKeyring, openMasterKey, parseMasterKeySource } from '@planton/keyring';
import { runService } from '@planton/rpc';
import { createConfigManager } from './index.ts';

/** ConfigManager alone, with a master key of its own. */
await runService({
  name: 'config-manager',
  services: [ConfigManager],
  database: { openEngine, isUnavailable, assertOutsideTransaction },
  assemble: async ({ server, engine, guard, logger }) => {
    const open = (source: string) => openMasterKey(parseMasterKeySource(source), { createIfMissing: false });
    const master = await open(server.masterKeySource);
    const previous = server.previousMasterKeySource ? await open(server.previousMasterKeySource) : undefined;
    return createConfigManager({
      engine,
      keyring: createKeyring({ master, ...(previous ? { previous } : {}) }),
      previousFingerprint: previous?.fingerprint,
      audit: await openAuditSettings(server, process.env, logger),
      scopeOf: guard.scopeOf,
      logger,
      newUid: randomUUID,
      randomBytes,
    });
  },
});
