import { randomBytes, randomUUID } from 'node:crypto';
import { type Client, createClient } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { type Database, type Engine, openDatabase } from '@planton/database';
import { createKeyring, type Keyring, type MasterKey, openMasterKey } from '@planton/keyring';
import type { DomainError, Logger, RoleName } from '@planton/rpc';
import { ACTOR_HEADER, toDomainError } from '@planton/rpc';
import { createTestPlatform, type TestPlatform } from '@planton/rpc/testing';
import { type ConfigManagerApp, createConfigManager } from '../index.ts';
import { type ConfigTables, SCHEMA } from '../schema.ts';

export type ConfigManagerClient = Client<typeof ConfigManager>;

export interface Org {
  readonly uid: string;
  readonly slug: string;
}

export interface TestCaller {
  readonly org: Org;
  readonly role?: RoleName;
  readonly uid?: string;
  readonly name?: string;
  readonly environments?: readonly string[];
  readonly apiKeyUid?: string;
}

/** The service behind the real interceptors, with real tokens, keys and tables. */
export interface TestConfigManager {
  readonly app: ConfigManagerApp;
  readonly platform: TestPlatform;
  readonly database: Database<ConfigTables>;
  readonly keyring: Keyring;
  /** All that was logged. */
  readonly log: unknown[];
  newOrg(slug?: string): Org;
  /** An environment of the organisation; answers its uid. */
  addEnvironment(org: Org, slug: string): string;
  as(caller: TestCaller): Promise<ConfigManagerClient>;
  /** A service of the platform, in its own name or for an actor. */
  asService(service: string, actor?: TestCaller): Promise<ConfigManagerClient>;
  stop(): Promise<void>;
}

/** @param text 32 bytes in base64; random when absent */
export function makeMasterKey(text: string = randomBytes(32).toString('base64')): Promise<MasterKey> {
  return openMasterKey({ kind: 'env', name: 'MASTER' }, { createIfMissing: false, env: { MASTER: text } });
}

export async function startConfigManager(
  engine: Engine,
  options: {
    readonly master?: MasterKey;
    readonly previous?: MasterKey;
    readonly randomBytes?: (size: number) => Buffer;
  } = {},
): Promise<TestConfigManager> {
  const log: unknown[] = [];
  const write = (facts: unknown, message?: unknown) => {
    log.push(facts, message);
  };
  const logger: Logger = { debug: write, info: write, warn: write, error: write };
  const platform = await createTestPlatform({ logger });
  platform.guard.start();
  const { master = await makeMasterKey(), previous } = options;
  const keyring = createKeyring({ master, ...(previous ? { previous } : {}) });
  const app = await createConfigManager({
    engine,
    keyring,
    previousFingerprint: previous?.fingerprint,
    scopeOf: platform.guard.scopeOf,
    logger,
    newUid: randomUUID,
    randomBytes: options.randomBytes ?? randomBytes,
  });
  app.start();

  const tokenFor = ({ role = 'owner', ...member }: TestCaller) => platform.tokenFor({ ...member, role });
  const connect = (token: string, actorToken?: string) => {
    const transport = platform.transportFor((router) => app.routes(router), token);
    return createClient(ConfigManager, {
      ...transport,
      unary: (method, signal, timeoutMs, header, input, contextValues) => {
        const headers = new Headers(header);
        if (actorToken !== undefined) headers.set(ACTOR_HEADER, actorToken);
        return transport.unary(method, signal, timeoutMs, headers, input, contextValues);
      },
    });
  };

  return {
    app,
    platform,
    database: openDatabase<ConfigTables>(engine, SCHEMA),
    keyring,
    log,
    newOrg: (slug = 'acme') => ({ uid: randomUUID(), slug }),
    addEnvironment: (org, slug) => {
      const uid = randomUUID();
      platform.environments.set(org.uid, [...(platform.environments.get(org.uid) ?? []), { uid, slug }]);
      return uid;
    },
    as: async (caller) => connect(await tokenFor(caller)),
    asService: async (service, actor) =>
      connect(await platform.serviceToken(service), actor && (await tokenFor(actor))),
    stop: async () => {
      await app.stop();
      await platform.guard.stop();
    },
  };
}

/** The error that a call ends with. Fails when it succeeds. */
export async function refusalOf(call: Promise<unknown>): Promise<DomainError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const refusal = toDomainError(error);
  if (!refusal) throw new Error('the call was not refused', { cause: error });
  return refusal;
}
