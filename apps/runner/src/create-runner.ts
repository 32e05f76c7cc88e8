import { randomUUID } from 'node:crypto';
import { arch, availableParallelism, hostname, platform, totalmem } from 'node:os';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HelloSchema } from '@planton/api/runner/v1/session';
import type { ProxyEnvironment, RunnerCredentials } from '@planton/enrolment';
import type { Logger } from '@planton/rpc';
import { type Identity, keepIdentity } from './identity/keep-identity.ts';
import { createAwsIdentity } from './operations/aws/aws-identity.ts';
import { keepAttempts } from './operations/keep-attempts.ts';
import type { RegisteredKind } from './operations/operation-kind.ts';
import { operationKinds } from './operations/registry.ts';
import { keepSession, type RunnerEnd } from './session/keep-session.ts';
import { holdState, type RunnerState } from './session/runner-state.ts';
import { defaultTiming, type Timing } from './session/timing.ts';
import { VERSION } from './version.ts';

export interface RunnerSettings {
  readonly credentials: RunnerCredentials;
  readonly logger: Logger;
  /** Keeps renewed credentials before they are used; absent where they live in memory alone. */
  readonly keep?: (credentials: RunnerCredentials) => Promise<void>;
  /** Makes a new instance where this one is no longer wanted; absent where the runner ends then. */
  readonly enrol?: (signal: AbortSignal) => Promise<RunnerCredentials>;
  /** Operations at once; 16 when absent. */
  readonly maxInFlight?: number;
  /** Whether this is the platform's own runner. */
  readonly platform?: boolean;
  /** Where proxies are named; the process's own when absent. */
  readonly env?: ProxyEnvironment;
  /** What it carries out; everything in the registry when absent. */
  readonly kinds?: readonly RegisteredKind[];
  readonly timing?: Partial<Timing>;
  readonly now?: () => Date;
  /** Monotonic clock, milliseconds. */
  readonly monotonic?: () => number;
  /** In [0, 1), for jitter. */
  readonly random?: () => number;
}

/** A runner that works. */
export interface Runner {
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<RunnerEnd>;
  state(): RunnerState;
  /** Takes nothing more, finishes or hands back what it has, waits until that is on record, says goodbye. */
  stop(): Promise<RunnerEnd>;
  /** Ends at once. What it was doing is released by the gateway later. */
  abort(): void;
}

/** Starts a runner. It connects for ever, until it is stopped or the platform wants it no more. */
export function createRunner(settings: RunnerSettings): Runner {
  const { logger, credentials, maxInFlight = 16, env = process.env, kinds = operationKinds } = settings;
  const now = settings.now ?? (() => new Date());
  const monotonic = settings.monotonic ?? (() => performance.now());
  const timing = { ...defaultTiming, ...settings.timing };
  const shutdown = new AbortController();
  const aborted = new AbortController();
  const attempts = keepAttempts({
    kinds,
    maxInFlight,
    logger,
    now,
    monotonic,
    platform: settings.platform ?? false,
    version: VERSION,
    aws: createAwsIdentity({ env, version: VERSION, monotonic }),
  });
  const identity: Identity = keepIdentity({
    credentials,
    proxyEnv: env,
    logger,
    now,
    monotonic,
    ...(settings.keep ? { keep: settings.keep } : {}),
    ...(settings.enrol ? { enrol: settings.enrol } : {}),
  });
  const state = holdState(({ phase }) => logger.debug({ phase }, 'the runner is in another phase'));
  const ended = keepSession({
    attempts,
    identity,
    hello: describeSelf(maxInFlight, kinds),
    enter: state.enter,
    shutdown: shutdown.signal,
    abort: aborted.signal,
    timing,
    proxyEnv: env,
    logger,
    now,
    monotonic,
    random: settings.random ?? Math.random,
  }).finally(() => {
    // Whatever still runs has nobody to tell.
    attempts.abandon();
  });

  return {
    ended,
    state: state.current,
    abort: () => aborted.abort(),
    stop: async () => {
      attempts.take(false);
      shutdown.abort();
      const handBack = setTimeout(attempts.abandon, timing.drainLimitMs - timing.handBackMs);
      const giveUp = setTimeout(() => {
        logger.warn({}, 'not everything could be delivered before the runner had to end');
        aborted.abort();
      }, timing.drainLimitMs);
      try {
        return await ended;
      } finally {
        clearTimeout(handBack);
        clearTimeout(giveUp);
      }
    },
  };
}

function describeSelf(
  maxInFlight: number,
  kinds: readonly RegisteredKind[],
): MessageInitShape<typeof HelloSchema> {
  return {
    version: VERSION,
    processUid: randomUUID(),
    maxInFlight,
    kinds: kinds.map(({ kind }) => kind),
    host: {
      hostname: hostname().slice(0, 255),
      os: platform(),
      arch: arch(),
      cpus: availableParallelism(),
      memoryBytes: BigInt(totalmem()),
    },
  };
}
