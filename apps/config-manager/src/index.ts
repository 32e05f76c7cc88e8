import type { ConnectRouter } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { type AuditSettings, keepAuditTrail } from '@planton/audit-trail';
import { type Engine, migrate, openDatabase } from '@planton/database';
import type { Keyring } from '@planton/keyring';
import type { Logger, ScopeOf } from '@planton/rpc';
import type { Deps } from './deps.ts';
import { isPrepared, prepareKeys } from './keys/prepare-keys.ts';
import { rotateOrganizationKey } from './keys/rotate-organization-key.ts';
import { migrations } from './migrations/index.ts';
import { accessOwnedSecret } from './owned-secrets/access-owned-secret.ts';
import { mintOwnedSecret } from './owned-secrets/mint-owned-secret.ts';
import { retireOwnedSecret } from './owned-secrets/retire-owned-secret.ts';
import { listUnconfirmedOwners } from './references/list-unconfirmed-owners.ts';
import { listUsages } from './references/list-usages.ts';
import { resolveOwnedReferences } from './references/resolve-owned-references.ts';
import { resolveReferences } from './references/resolve-references.ts';
import { setReferences } from './references/set-references.ts';
import { type ConfigTables, SCHEMA } from './schema.ts';
import { accessSecret } from './secrets/access-secret.ts';
import { deleteSecret } from './secrets/delete-secret.ts';
import { destroySecretVersion } from './secrets/destroy-secret-version.ts';
import { getSecret } from './secrets/get-secret.ts';
import { listSecretVersions } from './secrets/list-secret-versions.ts';
import { listSecrets } from './secrets/list-secrets.ts';
import { rollbackSecret } from './secrets/rollback-secret.ts';
import { setSecret } from './secrets/set-secret.ts';
import { undeleteSecret } from './secrets/undelete-secret.ts';
import { deleteVariable } from './variables/delete-variable.ts';
import { getVariable } from './variables/get-variable.ts';
import { listVariables } from './variables/list-variables.ts';
import { setVariable } from './variables/set-variable.ts';

export { isPrepared };

export interface ConfigManagerDeps {
  readonly engine: Engine;
  readonly keyring: Keyring;
  /** Of the decrypt-only previous master key that the keyring has, during a rotation of the master key. */
  readonly previousFingerprint?: string | undefined;
  readonly scopeOf: ScopeOf;
  readonly logger: Logger;
  readonly newUid: () => string;
  /** From a cryptographic source: values of secrets are made of it. */
  readonly randomBytes: (size: number) => Buffer;
  /** How the audit trail is sealed and streamed; neither when absent. */
  readonly audit?: AuditSettings;
}

export interface ConfigManagerApp {
  routes(router: ConnectRouter): void;
  start(): void;
  stop(): Promise<void>;
  /** Whether the database answers. */
  ready(): Promise<boolean>;
  /** How far the sinks of the audit trail are behind, a line each. */
  notes(): readonly string[];
}

/**
 * Migrates the schema, checks the master key and assembles the service.
 *
 * @throws MigrationError, or `MASTER_KEY_WRONG` when the data were encrypted with another master key: nothing has been changed then
 */
export async function createConfigManager(given: ConfigManagerDeps): Promise<ConfigManagerApp> {
  const { engine, keyring, logger, scopeOf, newUid, randomBytes } = given;
  await migrate(engine, SCHEMA, migrations);
  const database = openDatabase<ConfigTables>(engine, SCHEMA);
  const rewrapped = await prepareKeys({ database, keyring, previousFingerprint: given.previousFingerprint });
  if (rewrapped > 0) logger.info({ rewrapped }, 'organisation keys are wrapped with the new master key');

  const deps: Deps = { database, keyring, logger, scopeOf, newUid, randomBytes };
  const trail = keepAuditTrail({
    engine,
    schema: SCHEMA,
    service: 'config-manager',
    audit: given.audit,
    logger,
    replica: newUid(),
    random: Math.random,
  });
  const service = {
    setSecret: setSecret(deps),
    getSecret: getSecret(deps),
    listSecrets: listSecrets(deps),
    listSecretVersions: listSecretVersions(deps),
    accessSecret: accessSecret(deps),
    rollbackSecret: rollbackSecret(deps),
    deleteSecret: deleteSecret(deps),
    undeleteSecret: undeleteSecret(deps),
    destroySecretVersion: destroySecretVersion(deps),
    setVariable: setVariable(deps),
    getVariable: getVariable(deps),
    listVariables: listVariables(deps),
    deleteVariable: deleteVariable(deps),
    resolveReferences: resolveReferences(deps),
    resolveOwnedReferences: resolveOwnedReferences(deps),
    setReferences: setReferences(deps),
    mintOwnedSecret: mintOwnedSecret(deps),
    accessOwnedSecret: accessOwnedSecret(deps),
    retireOwnedSecret: retireOwnedSecret(deps),
    listUnconfirmedOwners: listUnconfirmedOwners(deps),
    listUsages: listUsages(deps),
    rotateOrganizationKey: rotateOrganizationKey(deps),
    ...trail.rpcs,
  };
  return {
    routes: (router) => {
      router.service(ConfigManager, service);
    },
    start: trail.start,
    stop: trail.stop,
    notes: trail.notes,
    ready: () =>
      engine.ping().then(
        () => true,
        () => false,
      ),
  };
}
