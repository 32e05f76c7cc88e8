import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { type Client, type ConnectRouter, createClient } from '@connectrpc/connect';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { keepAuditTrail } from '@planton/audit-trail';
import {
  assertOutsideTransaction,
  type Database,
  type EngineKind,
  migrate,
  openDatabase,
} from '@planton/database';
import { useTestEngine } from '@planton/database/testing';
import { createSealingKey, openMasterKey } from '@planton/keyring';
import { ACTOR_HEADER, DomainError, type Logger, type RoleName, toDomainError } from '@planton/rpc';
import { createTestPlatform, type TestMember, type TestPlatform } from '@planton/rpc/testing';
import { afterAll, beforeAll } from 'vitest';
import { keepAuthority } from '../../certificates/keep-authority.ts';
import { keepServiceKey } from '../../certificates/keep-service-key.ts';
import type { Deps } from '../../deps.ts';
import { createRunnerToken } from '../../enrolment/create-runner-token.ts';
import { enrollRunner } from '../../enrolment/enroll-runner.ts';
import { listRunnerTokens } from '../../enrolment/list-runner-tokens.ts';
import { recoverRunner } from '../../enrolment/recover-runner.ts';
import { renewCertificate } from '../../enrolment/renew-certificate.ts';
import { revokeRunnerToken } from '../../enrolment/revoke-runner-token.ts';
import { migrations } from '../../migrations/index.ts';
import { operationKinds } from '../../operations/operation-kinds.ts';
import { listRunnerUsages } from '../../references/list-runner-usages.ts';
import { listUnconfirmedRunnerOwners } from '../../references/list-unconfirmed-runner-owners.ts';
import { setRunnerReferences } from '../../references/set-runner-references.ts';
import type { RunningWake } from '../../replicas/wake.ts';
import { type RunnerTables, SCHEMA } from '../../schema.ts';
import { deleteRunner } from '../delete-runner.ts';
import { getRunner } from '../get-runner.ts';
import { listRunnerInstances } from '../list-runner-instances.ts';
import { listRunners } from '../list-runners.ts';
import { registerRunner } from '../register-runner.ts';
import { revokeRunner } from '../revoke-runner.ts';
import { watchRunners } from '../watch-runners.ts';

export type RunnerClient = Client<typeof RunnerService>;

export const GATEWAY_ADDRESS = 'gateway.test:8443';

/** An organisation of its own. */
export interface TestOrganization {
  readonly uid: string;
  readonly slug: string;
  /** Calls as an admin. */
  readonly admin: RunnerClient;
  as(role: RoleName, member?: Partial<TestMember>): Promise<RunnerClient>;
  /** Registers a runner; answers its uid. */
  register(name: string): Promise<string>;
}

/** The registrations of the gateway behind the real interceptors, with real tokens, keys and tables. */
export interface TestRunners {
  readonly platform: TestPlatform;
  readonly database: Database<RunnerTables>;
  readonly deps: Deps;
  readonly wake: RunningWake;
  /** What replicas were woken for, such as `changed org-uid`. */
  readonly woken: string[];
  /** Whatever was logged, as one text each. */
  readonly log: string[];
  /** How far the gateway's clock is ahead, in milliseconds. */
  readonly clock: { ahead: number };
  /** Calls without a token, as runners do. */
  readonly stranger: RunnerClient;
  gatewayRoutes(router: ConnectRouter): void;
  newOrganization(): Promise<TestOrganization>;
  asService(service: string, actor?: TestMember): Promise<RunnerClient>;
}

/** @returns a function, because the service exists only once the tests run */
export function useTestRunners(kind: EngineKind): () => TestRunners {
  const engine = useTestEngine(kind);
  let runners: TestRunners | undefined;
  beforeAll(async () => {
    await migrate(engine(), SCHEMA, migrations);
    runners = await assemble(openDatabase<RunnerTables>(engine(), SCHEMA));
    runners.platform.guard.start();
  });
  afterAll(async () => {
    await runners?.platform.guard.stop();
  });
  return () => {
    if (!runners) throw new Error('the service exists only while the tests of its describe run');
    return runners;
  };
}

async function assemble(database: Database<RunnerTables>): Promise<TestRunners> {
  const log: string[] = [];
  const write = (facts: unknown, text?: unknown) => {
    log.push(`${JSON.stringify(facts)} ${String(text)} ${inspect(Object(facts).error)}`);
  };
  const logger = { debug: write, info: write, warn: write, error: write } as Logger;
  const platform = await createTestPlatform({ logger });
  const master = await openMasterKey(
    { kind: 'env', name: 'MASTER' },
    { createIfMissing: false, env: { MASTER: randomBytes(32).toString('base64') } },
  );
  const { nonceKey, sealingSecret } = await keepServiceKey(database, { master });
  const woken: string[] = [];
  const wake = recordWakes(woken);
  const clock = { ahead: 0 };
  const deps: Deps = {
    database,
    logger,
    scopeOf: platform.guard.scopeOf,
    authority: await keepAuthority(database, { master }),
    nonceKey,
    sealingKey: createSealingKey(sealingSecret, 'planton/operation'),
    wake,
    operationKinds,
    gatewayAddress: GATEWAY_ADDRESS,
    replicaUid: 'replica-1',
    newUid: randomUUID,
    now: () => new Date(Date.now() + clock.ahead),
    monotonic: () => performance.now(),
    randomBytes,
    random: Math.random,
  };
  const routes = (router: ConnectRouter) => {
    router.service(RunnerService, implementationOf(deps, wake));
  };
  const connect = (token: string | undefined, actorToken?: string) => {
    const transport = platform.transportFor(routes, token);
    return createClient(RunnerService, {
      ...transport,
      unary: (method, signal, timeoutMs, header, input, contextValues) => {
        const headers = new Headers(header);
        if (actorToken !== undefined) headers.set(ACTOR_HEADER, actorToken);
        return transport.unary(method, signal, timeoutMs, headers, input, contextValues);
      },
    });
  };
  const clientAs = async (member: TestMember) => connect(await platform.tokenFor(member));

  return {
    platform,
    database,
    deps,
    wake,
    woken,
    log,
    clock,
    stranger: connect(undefined),
    gatewayRoutes: (router) => {
      router.service(RunnerGateway, { renewCertificate: renewCertificate(deps) });
    },
    newOrganization: async () => {
      const org = { uid: randomUUID(), slug: `org-${randomUUID().slice(0, 8)}` };
      const admin = await clientAs({ org, role: 'admin', name: 'ada' });
      return {
        ...org,
        admin,
        as: (role, member) => clientAs({ org, role, ...member }),
        register: async (name) => {
          const { runner } = await admin.registerRunner({ org: org.slug, name });
          return runner?.metadata?.uid ?? '';
        },
      };
    },
    asService: async (service, actor) =>
      connect(await platform.serviceToken(service), actor && (await platform.tokenFor(actor))),
  };
}

function implementationOf(deps: Deps, wake: RunningWake) {
  return {
    registerRunner: registerRunner(deps),
    getRunner: getRunner(deps),
    listRunners: listRunners(deps),
    listRunnerInstances: listRunnerInstances(deps),
    watchRunners: watchRunners({ database: deps.database, wake }),
    deleteRunner: deleteRunner(deps),
    revokeRunner: revokeRunner(deps),
    createRunnerToken: createRunnerToken(deps),
    listRunnerTokens: listRunnerTokens(deps),
    revokeRunnerToken: revokeRunnerToken(deps),
    enrollRunner: enrollRunner(deps),
    recoverRunner: recoverRunner(deps),
    setRunnerReferences: setRunnerReferences(deps),
    listUnconfirmedRunnerOwners: listUnconfirmedRunnerOwners(deps),
    listRunnerUsages: listRunnerUsages(deps),
    ...keepAuditTrail({
      engine: deps.database.engine,
      schema: SCHEMA,
      service: 'runner-gateway',
      logger: deps.logger,
      replica: deps.replicaUid,
      random: Math.random,
    }).rpcs,
  };
}

/** Notes who is woken, such as `changed org-uid`, and tells watchers of changes. */
function recordWakes(woken: string[]): RunningWake {
  const watchers = new Set<(organizationUid: string) => void>();
  const onChanged: RunningWake['onChanged'] = (handler) => {
    watchers.add(handler);
    return () => watchers.delete(handler);
  };
  const signal =
    (name: string) =>
    (...subjects: string[]) => {
      assertOutsideTransaction('waking a replica');
      const subject = subjects.at(-1) ?? '';
      woken.push(`${name} ${subject}`.trim());
      if (name === 'changed')
        setImmediate(() => {
          for (const watcher of watchers) watcher(subject);
        });
    };
  return new Proxy({} as RunningWake, {
    get: (_, name) => (name === 'onChanged' ? onChanged : signal(String(name))),
  });
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
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to be');
    await sleep(10);
  }
}
