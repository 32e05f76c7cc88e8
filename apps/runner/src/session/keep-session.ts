import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import { EnrolmentError, type ProxyEnvironment } from '@planton/enrolment';
import { DialFailed } from '../gateway/dial-failed.ts';
import { dialGateway } from '../gateway/dial-gateway.ts';
import { openConnection } from '../gateway/open-connection.ts';
import { backoff } from './backoff.ts';
import { type AttemptEnd, chooseNext, noHistory } from './choose-next.ts';
import { runSession, type SessionDeps, type SessionEnd } from './run-session.ts';

/** How a runner ended: as it was told, or because the platform wants it no more. */
export type RunnerEnd =
  | { readonly kind: 'stopped' }
  /** Revoked, locked or deleted, and there is no token that would still be taken. */
  | { readonly kind: 'disowned'; readonly message: string; readonly hint: string }
  /** Another process connected with the same credentials. */
  | { readonly kind: 'superseded'; readonly message: string; readonly hint: string };

export interface KeepSessionDeps extends Omit<SessionDeps, 'cut'> {
  readonly proxyEnv: ProxyEnvironment;
  /** Aborted when everything is to end at once. */
  readonly abort: AbortSignal;
}

/** What was said last, for the log and for whoever the runner ends for. */
interface Told {
  readonly end: AttemptEnd;
  readonly message: string;
  readonly hint: string;
}

/**
 * Keeps a runner connected until it is told to end, or until the platform wants it no more: connects, stays, and comes back with full
 * jitter. Replaces its certificate where that has ended or is not taken. Never rejects.
 */
export async function keepSession(deps: KeepSessionDeps): Promise<RunnerEnd> {
  const { identity, enter, timing, logger, random } = deps;
  const abilities = {
    canRecover: identity.canRecover,
    canEnrol: identity.canEnrol,
    settledMs: timing.settledMs,
  };
  let history = noHistory;
  let step: 'connect' | 'recover' | 'enrol' = 'connect';
  const done = signalDone(deps);

  while (!done.aborted) {
    if (step === 'connect' && identity.isExpired())
      step = identity.canRecover ? 'recover' : identity.canEnrol ? 'enrol' : step;
    const told = await take(step, deps, done);
    if (done.aborted) break;
    const next = chooseNext(told.end, history, abilities);
    history = next.history;
    if (next.do === 'end') {
      enter({ phase: 'ended' });
      return describeEnd(next.why, told);
    }
    step = next.do;
    const delayMs = Math.round(backoff(history.failures, random(), timing.backoff));
    const level = told.end.kind === 'left' || told.end.kind === 'renewed' ? 'info' : 'warn';
    logger[level](
      { after: told.end.kind, next: step, failures: history.failures, delayMs, ...hintOf(told) },
      told.message,
    );
    enter({ phase: 'waiting', failures: history.failures, delayMs });
    await sleep(delayMs, undefined, { signal: done }).catch(() => {});
  }
  enter({ phase: 'ended' });
  return { kind: 'stopped' };
}

/** Aborted when nothing is left to do: at once, or when the runner is to end and has delivered everything. */
function signalDone({ abort, shutdown, attempts }: KeepSessionDeps): AbortSignal {
  const delivered = new AbortController();
  const onShutdown = () => attempts.settled().then(() => delivered.abort());
  shutdown.addEventListener('abort', onShutdown, { once: true });
  if (shutdown.aborted) onShutdown();
  return AbortSignal.any([abort, delivered.signal]);
}

function take(
  step: 'connect' | 'recover' | 'enrol',
  deps: KeepSessionDeps,
  done: AbortSignal,
): Promise<Told> {
  switch (step) {
    case 'connect':
      return connect(deps, done);
    case 'recover':
      return askApi('recovering', deps, done);
    case 'enrol':
      return askApi('enrolling', deps, done);
  }
}

async function connect(deps: KeepSessionDeps, done: AbortSignal): Promise<Told> {
  const { identity, enter, proxyEnv, timing } = deps;
  const credentials = identity.current();
  const address = credentials.gatewayAddress;
  enter({ phase: 'dialling', address });
  try {
    const socket = await dialGateway({ credentials, proxyEnv, limitMs: timing.dialLimitMs, signal: done });
    enter({ phase: 'greeting', address });
    const connection = openConnection(socket, address, timing);
    return describeSession(await runSession(connection, { ...deps, cut: deps.abort }));
  } catch (error) {
    if (!(error instanceof DialFailed)) throw error;
    const kind = error.stage === 'gateway' || error.stage === 'credentials' ? 'untrusted' : 'unreachable';
    return { end: { kind }, message: error.message, hint: error.hint };
  }
}

async function askApi(
  phase: 'recovering' | 'enrolling',
  { identity, enter }: KeepSessionDeps,
  done: AbortSignal,
): Promise<Told> {
  enter({ phase });
  const isRecovery = phase === 'recovering';
  try {
    await (isRecovery ? identity.recover(done) : identity.enrol(done));
    return { end: { kind: 'renewed' }, message: 'the runner has a new certificate', hint: '' };
  } catch (error) {
    if (!(error instanceof EnrolmentError)) throw error;
    const { message, hint } = error;
    if (error.kind === 'refused') return { end: { kind: isRecovery ? 'disowned' : 'barred' }, message, hint };
    return { end: { kind: isRecovery ? 'unreachable' : 'unanswered' }, message, hint };
  }
}

function describeSession(end: SessionEnd): Told {
  switch (end.kind) {
    case 'goodbye': {
      const { reason, message, lastedMs } = end;
      const [name] = Object.entries(GatewayGoodbyeReason).find(([, value]) => value === reason) ?? [
        'unknown',
      ];
      return {
        end: { kind: 'goodbye', reason, lastedMs },
        message: `the gateway said goodbye (${name}): ${message}`,
        hint: '',
      };
    }
    case 'left':
      return { end: { kind: 'left' }, message: 'the runner left the session in good order', hint: '' };
    case 'refused':
      return {
        end: { kind: 'refused' },
        message: `the gateway does not take the certificate: ${end.message}`,
        hint: '',
      };
    case 'ignored':
      return { end: { kind: 'ignored' }, message: 'no welcome came in time', hint: '' };
    case 'protocol':
      return { end: { kind: 'lost', lastedMs: end.lastedMs ?? 0 }, message: end.message, hint: '' };
    case 'lost': {
      const { lastedMs, message } = end;
      return lastedMs === undefined
        ? {
            end: { kind: 'unwelcome' },
            message: `the gateway ended the connection before it was a session: ${message}`,
            hint: '',
          }
        : { end: { kind: 'lost', lastedMs }, message: `the session was lost: ${message}`, hint: '' };
    }
    case 'cut':
      return { end: { kind: 'left' }, message: 'the session was ended here', hint: '' };
  }
}

function describeEnd(why: 'disowned' | 'superseded', { message, hint }: Told): RunnerEnd {
  return why === 'superseded'
    ? {
        kind: 'superseded',
        message: 'another process connected with the same credentials, and the newest counts',
        hint: 'give each process credentials of its own, or a pool token in PLANTON_RUNNER_TOKEN',
      }
    : {
        kind: 'disowned',
        message: `the platform does not take this runner instance any more: ${message}`,
        hint: hint || 'make new credentials with: planton runner register --name NAME --yes',
      };
}

function hintOf({ hint }: Told): { hint?: string } {
  return hint === '' ? {} : { hint };
}
