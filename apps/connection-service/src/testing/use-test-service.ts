import { randomBytes, randomUUID } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Client, type ConnectRouter, createClient } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { AuthMode, AwsProviderConnectionSchema } from '@planton/api/connect/v1/aws_provider_connection';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import {
  type ProviderConnection,
  ProviderConnectionSchema,
} from '@planton/api/connect/v1/provider_connection';
import type { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import {
  assertOutsideTransaction,
  type Database,
  type EngineKind,
  migrate,
  openDatabase,
} from '@planton/database';
import { useTestEngine } from '@planton/database/testing';
import { DomainError, type Logger, type RoleName, toDomainError } from '@planton/rpc';
import { createTestPlatform, type TestMember, type TestPlatform } from '@planton/rpc/testing';
import { afterAll, beforeAll } from 'vitest';
import { createSharedParts, type Deps } from '../deps.ts';
import { migrations } from '../migrations/index.ts';
import { connectionRoutes } from '../routes.ts';
import { type ConnectTables, SCHEMA } from '../schema.ts';
import { defaultSetupPace } from '../trust-setups/pace.ts';
import { defaultPace } from '../verification/pace.ts';
import { createFakeConfigManager, type FakeConfigManager } from './fake-config-manager.ts';
import { createFakeRunnerService, type FakeRunnerService } from './fake-runner-service.ts';

export const KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
export const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

export type ConnectionClient = Client<typeof ConnectionService>;

/** An organisation of its own, with the environment `production` and the two secrets of the tutorial. */
export interface TestOrganization {
  readonly uid: string;
  readonly slug: string;
  readonly production: string;
  /** Calls as an admin. */
  readonly admin: ConnectionClient;
  as(role: RoleName, member?: Partial<TestMember>): Promise<ConnectionClient>;
  addEnvironment(slug: string): string;
  removeEnvironment(slug: string): Promise<void>;
}

export interface TestService {
  readonly platform: TestPlatform;
  readonly config: FakeConfigManager;
  readonly runners: FakeRunnerService;
  readonly database: Database<ConnectTables>;
  readonly deps: Deps;
  /** Whatever was logged, as one text. */
  readonly log: string[];
  newOrganization(): Promise<TestOrganization>;
  /** A client of an admin of `organization`, by default of nobody in particular, whose service works with other deps. */
  clientWith(
    deps: Deps,
    organization: TestOrganization,
    admin?: Pick<TestMember, 'uid' | 'name' | 'apiKeyUid'>,
  ): Promise<ConnectionClient>;
}

/** The service on a fresh database, behind the real interceptors, with the services that it calls in memory, behind them too. */
export function useTestService(kind: EngineKind): () => TestService {
  const engine = useTestEngine(kind);
  let service: TestService | undefined;
  beforeAll(async () => {
    await migrate(engine(), SCHEMA, migrations);
    service = await assemble(openDatabase<ConnectTables>(engine(), SCHEMA));
    service.platform.guard.start();
  });
  afterAll(async () => {
    await service?.platform.guard.stop();
  });
  return () => {
    if (!service) throw new Error('the service exists only while the tests of its describe run');
    return service;
  };
}

/** Errors as the logger of the platform writes them: their properties are left out. */
function describeErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, cause };
}

async function assemble(database: Database<ConnectTables>): Promise<TestService> {
  const log: string[] = [];
  const write = (facts: unknown, text?: unknown) => {
    log.push(`${JSON.stringify(facts, describeErrors)} ${String(text)}`);
  };
  const logger = { debug: write, info: write, warn: write, error: write } as Logger;
  const platform = await createTestPlatform({ logger });
  const config = createFakeConfigManager();
  const runners = createFakeRunnerService();
  const reach = (routes: (router: ConnectRouter) => void) =>
    platform.serviceTransport(routes, 'connection-service', assertOutsideTransaction);
  const now = () => new Date();
  const deps: Deps = {
    ...createSharedParts({ database, now }),
    database,
    configManager: createClient(ConfigManager, reach(config.routes)),
    runners: createClient(RunnerService, reach(runners.routes)),
    lookUpEnvironments: async (uid) => {
      assertOutsideTransaction('looking up environments');
      return platform.environments.get(uid) ?? [];
    },
    scopeOf: platform.guard.scopeOf,
    logger,
    newUid: randomUUID,
    now,
    random: Math.random,
    randomBytes,
    verification: defaultPace,
    setupPace: defaultSetupPace,
    trust: {
      principalArn: 'arn:aws:iam::111122223333:role/planton',
      templateUrl: 'https://templates.s3.us-east-1.amazonaws.com/planton.yaml',
      publicUrl: 'https://planton.example.com',
      publicUrlGiven: true,
    },
  };
  const clientAs = async (on: Deps, member: TestMember) =>
    createClient(
      ConnectionService,
      platform.transportFor(connectionRoutes(on), await platform.tokenFor(member)),
    );
  return {
    platform,
    config,
    runners,
    database,
    deps,
    log,
    clientWith: (on, { uid, slug }, admin = {}) =>
      clientAs(on, { ...admin, org: { uid, slug }, role: 'admin' }),
    newOrganization: async () => {
      const org = { uid: randomUUID(), slug: `org-${randomUUID().slice(0, 8)}` };
      const environments = [{ uid: randomUUID(), slug: 'production' }];
      platform.environments.set(org.uid, environments);
      config.organizations.set(org.uid, org.slug);
      config.secrets.set(`${org.slug}/aws-access-key-id`, { value: KEY_ID });
      config.secrets.set(`${org.slug}/aws-secret-access-key`, { value: SECRET_KEY });
      return {
        ...org,
        production: environments[0]?.uid ?? '',
        admin: await clientAs(deps, { org, role: 'admin', name: 'ada' }),
        as: (role, member) => clientAs(deps, { org, role, ...member }),
        addEnvironment: (slug) => {
          const uid = randomUUID();
          environments.push({ uid, slug });
          return uid;
        },
        removeEnvironment: async (slug) => {
          environments.splice(
            environments.findIndex((environment) => environment.slug === slug),
            1,
          );
          await platform.revoke(randomUUID());
        },
      };
    },
  };
}

type AwsInit = MessageInitShape<typeof AwsProviderConnectionSchema>;

/** The tutorial's manifest, changed as given. */
export function awsConnection(
  metadata: NonNullable<AwsInit['metadata']> | string = 'my-aws-connection',
  spec: NonNullable<AwsInit['spec']> = {},
): ProviderConnection {
  return create(ProviderConnectionSchema, {
    kind: {
      case: 'aws',
      value: create(AwsProviderConnectionSchema, {
        apiVersion: 'connect.planton.ai/v1',
        kind: 'AwsProviderConnection',
        metadata: typeof metadata === 'string' ? { name: metadata } : metadata,
        spec: {
          authMode: AuthMode.INLINE,
          accountId: { source: { case: 'value', value: '123456789012' } },
          region: { source: { case: 'value', value: 'us-west-2' } },
          accessKeyId: { secret: 'aws-access-key-id' },
          secretAccessKey: { secret: 'aws-secret-access-key' },
          ...spec,
        } as NonNullable<AwsInit['spec']>,
      }),
    },
  });
}

/** The AWS manifest of an answer. */
export function awsOf(connection: ProviderConnection | undefined) {
  if (connection?.kind.case !== 'aws') throw new Error('the answer holds no connection to AWS');
  return connection.kind.value;
}

export function defaultOf(connection: string, environment = '', provider = 'aws') {
  return {
    apiVersion: 'connect.planton.ai/v1',
    kind: 'DefaultProviderConnection',
    spec: { provider, connection, environment },
  } as const;
}

export function authorizationOf(connection: string, scope: AuthorizationScope, environments: string[] = []) {
  return {
    apiVersion: 'connect.planton.ai/v1',
    kind: 'ProviderConnectionAuthorization' as const,
    spec: { provider: 'aws', connection, scope, environments },
  };
}

/** The refusal that a call has to end in. */
export async function refusalOf(call: Promise<unknown>): Promise<DomainError> {
  const outcome = await call.then(
    () => new Error('the call was not refused'),
    (error: unknown) => toDomainError(error) ?? error,
  );
  if (outcome instanceof DomainError) return outcome;
  throw outcome;
}
