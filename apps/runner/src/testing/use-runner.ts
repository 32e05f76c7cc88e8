import { OperationKind } from '@planton/api/runner/v1/operation';
import type { RunnerCredentials } from '@planton/enrolment';
import {
  createTestAuthority,
  makeCredentials,
  startTestService,
  type TestAuthority,
  type TestService,
} from '@planton/enrolment/testing';
import { afterEach, beforeEach } from 'vitest';
import { createRunner, type Runner, type RunnerSettings } from '../create-runner.ts';
import { defineKind, type OperationContext, type RegisteredKind } from '../operations/operation-kind.ts';
import { type CollectedLog, collectLog } from './collect-log.ts';
import { quickTiming } from './quick-timing.ts';
import { startTestGateway, type TestGateway } from './start-test-gateway.ts';
import { waitFor } from './wait-for.ts';

/** What a test of a runner has at hand; new for every test. */
export interface RunnerRig {
  readonly authority: TestAuthority;
  readonly gateway: TestGateway;
  readonly service: TestService;
  readonly log: CollectedLog;
  /** Credentials of an instance that the service knows. */
  enrolled(): Promise<RunnerCredentials>;
  /** Starts a runner; it ends with the test. */
  start(settings?: Partial<RunnerSettings>): Promise<Runner>;
  /** Resolves once the runner's session is open. */
  open(runner: Runner): Promise<void>;
}

export function useRunner(): () => RunnerRig {
  let rig: RunnerRig | undefined;
  let runners: Runner[] = [];

  beforeEach(async () => {
    const authority = await createTestAuthority();
    const gateway = await startTestGateway(authority);
    const service = await startTestService(authority, gateway.address);
    const log = collectLog();
    const enrolled = async () => {
      const credentials = await makeCredentials(authority, {
        server: service.url,
        gatewayAddress: gateway.address,
      });
      service.adopt(credentials);
      return credentials;
    };
    rig = {
      authority,
      gateway,
      service,
      log,
      enrolled,
      open: async (runner) => {
        await waitFor('an open session', () => runner.state().phase === 'open');
      },
      start: async (settings = {}) => {
        const { timing, ...others } = settings;
        const runner = createRunner({
          credentials: settings.credentials ?? (await enrolled()),
          logger: log.logger,
          env: {},
          ...others,
          timing: { ...quickTiming, ...timing },
        });
        runners.push(runner);
        return runner;
      },
    };
  });
  afterEach(async () => {
    for (const runner of runners) runner.abort();
    await Promise.all(runners.map(({ ended }) => ended));
    runners = [];
    await rig?.gateway.stop();
    await rig?.service.stop();
  });
  return () => {
    if (!rig) throw new Error('there is no rig outside a test');
    return rig;
  };
}

/** A kind that takes pings and does with them what a test says. */
export function pingKind(
  run: (context: OperationContext) => Promise<void>,
  options: { readonly repeatable?: boolean } = {},
): RegisteredKind {
  return defineKind({
    kind: OperationKind.PING,
    input: 'ping',
    repeatable: options.repeatable ?? true,
    run: async (_, context) => {
      await run(context);
      return { output: { case: 'ping', value: { version: context.version } } };
    },
  });
}

/** Operations that wait until a test lets them go. */
export interface HeldKind {
  readonly kind: RegisteredKind;
  /** Uids of the operations that began, in order. */
  readonly begun: string[];
  /** Uids of those that were told to end early. */
  readonly aborted: string[];
  /** Lets one operation succeed. */
  release(operationUid: string): void;
}

export function heldKind(options: { readonly repeatable?: boolean } = {}): HeldKind {
  const begun: string[] = [];
  const aborted: string[] = [];
  const waiting = new Map<string, () => void>();
  const kind = pingKind(async ({ attempt, signal }) => {
    begun.push(attempt.operationUid);
    signal.addEventListener('abort', () => aborted.push(attempt.operationUid));
    await new Promise<void>((resolve) => waiting.set(attempt.operationUid, resolve));
  }, options);
  return { kind, begun, aborted, release: (operationUid) => waiting.get(operationUid)?.() };
}
