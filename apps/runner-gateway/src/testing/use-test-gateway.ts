import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { type Client, createClient } from '@connectrpc/connect';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import {
  type Database,
  type Engine,
  type EngineKind,
  isUnavailable,
  openDatabase,
  openPostgres,
} from '@planton/database';
import { type PostgresServer, startPostgres, useTestEngine } from '@planton/database/testing';
import { openMasterKey } from '@planton/keyring';
import { DomainError, type Logger, type MutualTlsListener, type RoleName, toDomainError } from '@planton/rpc';
import { createTestPlatform, type TestMember, type TestPlatform } from '@planton/rpc/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll } from 'vitest';
import type { Authority } from '../certificates/authority.ts';
import { keepAuthority } from '../certificates/keep-authority.ts';
import {
  createRunnerGateway,
  type RunnerGatewayDeps,
  type RunningRunnerGateway,
} from '../create-runner-gateway.ts';
import { type RunnerTables, SCHEMA } from '../schema.ts';
import { type FakeSession, openFakeSession, type RunnerIdentity } from './fake-runner.ts';

export type RunnerClient = Client<typeof RunnerService>;

const SETUP_LIMIT_MS = 120_000;

/** One replica, with its own connections to the database and its own listener for runners. */
export interface TestReplica {
  readonly gateway: RunningRunnerGateway;
  readonly listener: MutualTlsListener;
  readonly engine: Engine;
  /** Calls the API of this replica. */
  as(member: TestMember): Promise<RunnerClient>;
  asService(service: string): RunnerClient;
  /** What `kill -9` leaves: the database hears nothing any more, and every connection is gone. */
  crash(): Promise<void>;
}

/** An organisation of its own with one runner. */
export interface TestPool {
  readonly org: { readonly uid: string; readonly slug: string };
  readonly runnerUid: string;
  readonly runner: string;
  readonly member: TestMember;
  /** Puts another instance on record and signs its certificate. */
  addInstance(): Promise<RunnerIdentity>;
  /** Signs a certificate of a generation of an instance, for the key that it has. */
  certify(identity: RunnerIdentity, generation: number): Promise<RunnerIdentity>;
  /** Opens a session of a new instance, or of the one that is given, and waits for the welcome. */
  connect(replica?: TestReplica, hello?: ConnectOptions): Promise<FakeSession>;
}

export interface ConnectOptions {
  readonly identity?: RunnerIdentity;
  readonly hello?: Parameters<FakeSession['hello']>[0];
}

export interface TestGateway {
  readonly platform: TestPlatform;
  readonly database: Database<RunnerTables>;
  readonly authority: Authority;
  readonly replicas: readonly TestReplica[];
  /** The first replica. */
  readonly replica: TestReplica;
  /** Whatever was logged, as one text each. */
  readonly log: string[];
  newPool(): Promise<TestPool>;
  startReplica(overrides?: Partial<RunnerGatewayDeps>): Promise<TestReplica>;
  /** Where a further replica would find the database; PostgreSQL alone. */
  databaseUrl(): string;
}

export interface TestGatewayOptions {
  /** More than one needs PostgreSQL. Default 1. */
  readonly replicas?: number;
  readonly overrides?: Partial<RunnerGatewayDeps>;
}

/**
 * Gives the surrounding `describe` a gateway of one or several replicas, with real tables, tokens, certificates and connections over
 * loopback, all of it gone at its end.
 *
 * @returns a function, because the gateway exists only once the tests run
 */
export function useTestGateway(kind: EngineKind, options: TestGatewayOptions = {}): () => TestGateway {
  const embedded = kind === 'pglite' ? useTestEngine(kind) : undefined;
  let server: PostgresServer | undefined;
  let gateway: TestGateway | undefined;
  let stop: (() => Promise<void>) | undefined;
  beforeAll(async () => {
    if (!embedded) server = await startPostgres();
    const url = server?.databaseUrl('postgres') ?? '';
    const openEngine = () => embedded?.() ?? openPostgres({ applicationName: 'test', url });
    ({ gateway, stop } = await assemble(openEngine, url, options));
  }, SETUP_LIMIT_MS);
  afterAll(async () => {
    await stop?.();
    await server?.stop();
  }, SETUP_LIMIT_MS);
  return () => {
    if (!gateway) throw new Error('the gateway exists only while the tests of its describe run');
    return gateway;
  };
}

async function assemble(openEngine: () => Engine, url: string, options: TestGatewayOptions) {
  const log: string[] = [];
  const write = (facts: unknown, text?: unknown) => {
    log.push(`${JSON.stringify(facts)} ${String(text)} ${inspect(Object(facts).error)}`);
  };
  const logger = { debug: write, info: write, warn: write, error: write } as Logger;
  const platform = await createTestPlatform({ logger, isUnavailable });
  platform.guard.start();
  const master = await openMasterKey(
    { kind: 'env', name: 'MASTER' },
    { createIfMissing: false, env: { MASTER: randomBytes(32).toString('base64') } },
  );
  const engines = new Set<Engine>();
  const replicas: TestReplica[] = [];
  const running = new Set<RunningRunnerGateway>();

  const startReplica = async (overrides: Partial<RunnerGatewayDeps> = {}): Promise<TestReplica> => {
    const engine = overrides.engine ?? openEngine();
    engines.add(engine);
    const gateway = await createRunnerGateway({
      engine,
      masterKeys: { master },
      logger,
      scopeOf: platform.guard.scopeOf,
      gatewayAddress: '127.0.0.1:0',
      newUid: randomUUID,
      now: () => new Date(),
      monotonic: () => performance.now(),
      randomBytes,
      random: Math.random,
      ...options.overrides,
      ...overrides,
      times: { drainMs: 200, ...options.overrides?.times, ...overrides.times },
    });
    running.add(gateway);
    gateway.start();
    await until(() => gateway.ready());
    const listener = await gateway.serveRunners({
      address: '127.0.0.1:0',
      interceptors: platform.guard.interceptors,
    });
    const routes = gateway.routes;
    const replica: TestReplica = {
      gateway,
      listener,
      engine,
      as: async (member) =>
        createClient(RunnerService, platform.transportFor(routes, await platform.tokenFor(member))),
      asService: (service) => createClient(RunnerService, platform.serviceTransport(routes, service)),
      crash: async () => {
        running.delete(gateway);
        await engine.close();
        await listener.close(0);
        stopped.push(gateway.stop());
      },
    };
    replicas.push(replica);
    return replica;
  };
  const stopped: Promise<void>[] = [];

  for (let i = 0; i < (options.replicas ?? 1); i++) await startReplica();
  const [replica] = replicas;
  if (!replica) throw new Error('a gateway needs a replica');
  const observer = openEngine();
  engines.add(observer);
  const database = openDatabase<RunnerTables>(observer, SCHEMA);
  const authority = await keepAuthority(database, { master });

  const gateway: TestGateway = {
    platform,
    database,
    authority,
    replicas,
    replica,
    log,
    startReplica,
    databaseUrl: () => url,
    newPool: () => newPool(gateway),
  };
  return {
    gateway,
    stop: async () => {
      await Promise.all([...[...running].map((each) => each.stop()), ...stopped]);
      await platform.guard.stop();
      await Promise.all([...engines].map((engine) => engine.close()));
    },
  };
}

async function newPool({ database, authority, replica: first }: TestGateway): Promise<TestPool> {
  const org = { uid: randomUUID(), slug: `org-${randomUUID().slice(0, 8)}` };
  const member: TestMember = { org, role: 'admin' as RoleName, name: 'ada' };
  const slug = 'my-aws-runner';
  const { runner } = await (await first.as(member)).registerRunner({ org: org.slug, name: slug });
  const runnerUid = runner?.metadata?.uid ?? '';
  const keys = new Map<string, Buffer>();

  const certify = async (identity: RunnerIdentity, generation: number): Promise<RunnerIdentity> => {
    const { certificate } = await authority.issueInstanceCertificate({
      publicKey: keys.get(identity.instanceUid) ?? Buffer.alloc(0),
      instanceUid: identity.instanceUid,
      generation,
      commonName: 'test',
      now: new Date(),
    });
    return { ...identity, cert: certificate };
  };
  const pool: TestPool = {
    org,
    runnerUid,
    runner: slug,
    member,
    certify,
    addInstance: async () => {
      const instanceUid = randomUUID();
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const spki = publicKey.export({ format: 'der', type: 'spki' });
      keys.set(instanceUid, spki);
      await database.query
        .insertInto('runner_instance')
        .values({
          uid: instanceUid,
          runner_uid: runnerUid,
          organization_uid: org.uid,
          name: 'host',
          public_key: spki,
          ephemeral: false,
          generation: 1,
          used_generation: 1,
          certificate_expire_time: sql<Date>`now() + interval '7 days'`,
        })
        .execute();
      const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
      return certify({ instanceUid, ca: authority.caBundle, cert: '', key }, 1);
    },
    connect: async (replica = first, { identity, hello } = {}) => {
      const session = openFakeSession(replica.listener.url, identity ?? (await pool.addInstance()));
      session.hello(hello);
      await session.next('welcome');
      return session;
    },
  };
  return pool;
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

/** Waits for something that comes to be in its own time. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to be');
    await sleep(20);
  }
}
