import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import type { OpenSessionResponse } from '@planton/api/runner/v1/runner_gateway';
import {
  type Drain,
  type GatewayGoodbyeReason,
  type HelloSchema,
  type Reconcile,
  RunnerGoodbyeReason,
  type Welcome,
} from '@planton/api/runner/v1/session';
import type { Logger } from '@planton/rpc';
import type { GatewayConnection } from '../gateway/open-connection.ts';
import type { Identity } from '../identity/keep-identity.ts';
import type { Attempts } from '../operations/keep-attempts.ts';
import { createFrameCheck } from './check-frame.ts';
import { createOutbox } from './outbox.ts';
import { renewWhenDue } from './renew-certificate.ts';
import type { RunnerState } from './runner-state.ts';
import type { Timing } from './timing.ts';

/** Milliseconds between heartbeats: what is used where the gateway does not say, and the limits of what it may say. */
const HEARTBEAT_MS = 10_000;
const SHORTEST_HEARTBEAT_MS = 50;
const LONGEST_HEARTBEAT_MS = 30_000;
/** Milliseconds that a drain may take where the gateway does not say. */
const DRAIN_MS = 10_000;
/** The most that leaving a gateway which drains is put off, so that its runners do not all leave at once. */
const LEAVE_SPREAD_MS = 1_000;

/** How a session ended. `lastedMs` counts from the welcome; undefined where none came. */
export type SessionEnd =
  | {
      readonly kind: 'goodbye';
      readonly reason: GatewayGoodbyeReason;
      readonly message: string;
      readonly lastedMs?: number | undefined;
    }
  | { readonly kind: 'left'; readonly why: 'gateway' | 'shutdown' }
  /** One side broke the protocol, and the runner left. */
  | { readonly kind: 'protocol'; readonly message: string; readonly lastedMs?: number | undefined }
  | { readonly kind: 'lost'; readonly message: string; readonly lastedMs?: number | undefined }
  /** The gateway answered that it does not know, or does not want, who calls. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The gateway answers pings and no hello: it has much to do, or no database. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'cut' };

export interface SessionDeps {
  readonly attempts: Attempts;
  readonly identity: Identity;
  /** What does not change from session to session. */
  readonly hello: MessageInitShape<typeof HelloSchema>;
  /** Aborted when the runner is to end: the session is left once nothing is left to say. */
  readonly shutdown: AbortSignal;
  /** Aborted when the session is to end at once. */
  readonly cut: AbortSignal;
  readonly enter: (state: RunnerState) => void;
  readonly timing: Timing;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  readonly random: () => number;
}

/** Opens one session over a connection and stays until it ends. Closes the connection. Never rejects. */
export async function runSession(connection: GatewayConnection, deps: SessionDeps): Promise<SessionEnd> {
  const { attempts, timing, logger, monotonic } = deps;
  const outbox = createOutbox();
  const check = createFrameCheck();
  const ending = new AbortController();
  const over = Promise.withResolvers<SessionEnd>();
  const named = attempts.known();
  const hasNamed = named.inFlight.length + named.unacknowledged.length > 0;
  const cleanUp: (() => void)[] = [];
  let openedAt: number | undefined;
  let leaving: SessionEnd | undefined;
  let welcomed: Welcome | undefined;
  let isReady = false;
  let isDraining = false;
  let isOver = false;

  const lasted = () => (openedAt === undefined ? undefined : monotonic() - openedAt);
  const after = (ms: number, act: () => void) => {
    const timer = setTimeout(act, ms);
    cleanUp.push(() => clearTimeout(timer));
    return timer;
  };
  /** Says goodbye and gives the gateway a moment to end the stream. */
  const leave = (reason: RunnerGoodbyeReason, end: SessionEnd) => {
    if (leaving || isOver) return;
    leaving = end;
    outbox.send({ case: 'goodbye', value: { reason } });
    outbox.end();
    after(timing.partingMs, () => over.resolve(end));
  };
  const violate = (message: string) => {
    logger.error({ violation: message }, 'the gateway broke the protocol');
    leave(RunnerGoodbyeReason.PROTOCOL, { kind: 'protocol', message, lastedMs: lasted() });
  };
  const lose = (message: string) => over.resolve({ kind: 'lost', message, lastedMs: lasted() });

  const greeting = after(timing.welcomeLimitMs, () =>
    openedAt === undefined
      ? over.resolve({ kind: 'ignored' })
      : lose('the gateway did not say which attempts it keeps'),
  );
  /** From here on the gateway hears of attempts. */
  const getReady = ({ sessionUid, gatewayUid }: Welcome) => {
    clearTimeout(greeting);
    isReady = true;
    attempts.take(!deps.shutdown.aborted && !isDraining);
    cleanUp.push(attempts.attach(outbox.send));
    if (deps.shutdown.aborted) finishAndLeave();
    else if (!isDraining) deps.enter({ phase: 'open', sessionUid, gatewayUid });
  };
  const finishAndLeave = () => {
    deps.enter({ phase: 'draining', why: 'shutdown' });
    attempts.settled().then(() => leave(RunnerGoodbyeReason.SHUTDOWN, { kind: 'left', why: 'shutdown' }));
  };

  const welcome = (frame: Welcome) => {
    welcomed = frame;
    openedAt = monotonic();
    logger.info({ sessionUid: frame.sessionUid, gatewayUid: frame.gatewayUid }, 'the session is open');
    const asked = frame.heartbeatInterval ? durationMs(frame.heartbeatInterval) : HEARTBEAT_MS;
    const interval = Math.min(Math.max(asked, SHORTEST_HEARTBEAT_MS), LONGEST_HEARTBEAT_MS);
    cleanUp.push(beat(interval));
    const renewMs = frame.renewAfterTime ? timestampMs(frame.renewAfterTime) : undefined;
    cleanUp.push(renewWhenDue(connection, deps.identity, renewMs, deps));
    if (!hasNamed) getReady(frame);
  };
  const beat = (interval: number) => {
    const timer = setInterval(
      () => outbox.send({ case: 'heartbeat', value: { inFlight: attempts.inFlight() } }),
      interval,
    );
    return () => clearInterval(timer);
  };
  const reconcile = ({ keep }: Reconcile) => {
    if (!welcomed || isReady) return;
    attempts.reconcile(named, keep);
    getReady(welcomed);
  };
  const drain = ({ timeout }: Drain) => {
    if (isDraining) return;
    isDraining = true;
    attempts.take(false);
    if (!deps.shutdown.aborted) deps.enter({ phase: 'draining', why: 'gateway' });
    const limitMs = timeout ? durationMs(timeout) : DRAIN_MS;
    const settled = () =>
      attempts.settled().then(() => leave(RunnerGoodbyeReason.DRAINED, { kind: 'left', why: 'gateway' }));
    after(deps.random() * Math.min(LEAVE_SPREAD_MS, limitMs / 2), settled);
    // A goodbye of the runner's would give up what it still carries out; without one the next gateway adopts it.
    after(limitMs + timing.partingMs, () => lose('the gateway that drains did not say goodbye'));
  };

  const take = ({ frame }: OpenSessionResponse) => {
    switch (frame.case) {
      case 'welcome':
        return welcome(frame.value);
      case 'assignment': {
        const { attempt } = frame.value;
        if (attempt && !attempts.assign(frame.value, attempt)) violate('it sends more attempts than it may');
        return;
      }
      case 'cancel':
        return frame.value.attempt && attempts.cancel(frame.value.attempt);
      case 'ack':
        return frame.value.attempt && attempts.acknowledge(frame.value.attempt);
      case 'reconcile':
        return reconcile(frame.value);
      case 'drain':
        return drain(frame.value);
      case 'goodbye': {
        const { reason, message } = frame.value;
        return over.resolve({ kind: 'goodbye', reason, message, lastedMs: lasted() });
      }
      default:
        logger.warn({}, 'the gateway sent a frame of a kind that this release does not know');
    }
  };
  const read = async () => {
    const frames = connection.client.openSession(outbox.frames, { signal: ending.signal, timeoutMs: 0 });
    for await (const frame of frames) {
      // To stop reading would end the stream before the goodbye has left.
      if (leaving?.kind === 'protocol') continue;
      const violation = check(frame);
      if (violation) violate(violation);
      else take(frame);
    }
  };

  const onShutdown = () => {
    attempts.take(false);
    if (isReady) finishAndLeave();
  };
  const onCut = () => over.resolve({ kind: 'cut' });
  deps.shutdown.addEventListener('abort', onShutdown);
  deps.cut.addEventListener('abort', onCut);
  outbox.send({ case: 'hello', value: { ...deps.hello, ...copy(named) } });
  read().then(
    () => (leaving ? over.resolve(leaving) : lose('the gateway ended the stream')),
    (error: unknown) => over.resolve(leaving ?? explain(error, lasted())),
  );
  if (deps.cut.aborted) onCut();

  const end = await over.promise;
  isOver = true;
  deps.shutdown.removeEventListener('abort', onShutdown);
  deps.cut.removeEventListener('abort', onCut);
  for (const act of cleanUp) act();
  outbox.end();
  ending.abort();
  connection.close();
  return end;
}

function copy(named: ReturnType<Attempts['known']>) {
  return { inFlight: [...named.inFlight], unacknowledged: [...named.unacknowledged] };
}

function explain(thrown: unknown, lastedMs: number | undefined): SessionEnd {
  const error = ConnectError.from(thrown);
  if (error.code === Code.Unauthenticated || error.code === Code.PermissionDenied)
    return { kind: 'refused', message: error.rawMessage };
  return { kind: 'lost', message: error.rawMessage, lastedMs };
}
