import type { HandlerContext } from '@connectrpc/connect';
import type { OpenSessionRequest, OpenSessionResponse } from '@planton/api/runner/v1/runner_gateway';
import type { AttemptReference, Result } from '@planton/api/runner/v1/session';
import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import {
  peerCertificateOf,
  type RequestOrigin,
  requestOriginOf,
  tlsConnectionOf,
  toDomainError,
} from '@planton/rpc';
import { parseInstanceName } from '../certificates/instance-name.ts';
import type { Deps } from '../deps.ts';
import { type ResultRecorder, ResultRefused } from '../operations/record-result.ts';
import type { createStepRecorder } from '../operations/record-steps.ts';
import type { HelloAcceptor } from './accept-hello.ts';
import type { SessionEnder } from './end-sessions.ts';
import { Session } from './session.ts';
import { nextState, violation } from './session-state.ts';

export interface SessionParts {
  readonly deps: Pick<Deps, 'newUid' | 'monotonic' | 'logger'>;
  readonly acceptor: HelloAcceptor;
  readonly ender: SessionEnder;
  readonly results: ResultRecorder;
  readonly steps: ReturnType<typeof createStepRecorder>;
  /** Sessions that were not welcomed yet. */
  readonly unwelcomed: Set<Session>;
}

/** The life of a runner's connection; see the contract. The identity is that of the certificate; no frame has any say in it. */
export function openSession(parts: SessionParts) {
  return (
    frames: AsyncIterable<OpenSessionRequest>,
    context: HandlerContext,
  ): AsyncIterable<OpenSessionResponse> => {
    const name = parseInstanceName(peerCertificateOf(context).subjectAltName);
    const session = new Session({
      uid: parts.deps.newUid(),
      instanceUid: name?.instanceUid ?? '',
      generation: name?.generation ?? 0,
      connection: tlsConnectionOf(context),
      monotonic: parts.deps.monotonic,
    });
    parts.unwelcomed.add(session);
    if (!name) breakOff(parts, session, 'the certificate names no runner instance');
    void own(parts, session, frames[Symbol.asyncIterator](), requestOriginOf(context));
    return session;
  };
}

/**
 * The one loop that owns the stream: it alone reads frames and moves the session on, one frame at a time. After the end it reads on
 * without looking, so that the goodbye can arrive, until the runner closes or is cut.
 */
async function own(
  parts: SessionParts,
  session: Session,
  frames: AsyncIterator<OpenSessionRequest>,
  origin: RequestOrigin,
): Promise<void> {
  try {
    for (;;) {
      // Nothing of a frame is held while the session waits for the next one.
      const taken = take(parts, session, await frames.next(), origin);
      if (taken === 'done') break;
      if (taken) await taken;
    }
  } catch (error) {
    const refusal = toDomainError(error);
    if (error instanceof ResultRefused) breakOff(parts, session, error.message);
    else if (refusal) breakOff(parts, session, `a frame is not valid: ${refusal.message}`);
    else if (isOversized(error)) breakOff(parts, session, 'a frame is too large or cannot be read');
    await drainInput(frames);
  }
  parts.ender.end(session, { by: 'connection' });
  parts.unwelcomed.delete(session);
  parts.ender.lingering.delete(session);
}

/** @returns a promise to wait for before the next frame is read; `done` at the end */
function take(
  parts: SessionParts,
  session: Session,
  read: IteratorResult<OpenSessionRequest>,
  origin: RequestOrigin,
): Promise<void> | 'done' | undefined {
  if (read.done) return 'done';
  if (session.state.name === 'closed') return undefined;
  const { sequence, frame } = read.value;
  session.framesIn += 1;
  if (sequence !== BigInt(session.framesIn))
    return breakOff(parts, session, `frame ${session.framesIn} is numbered ${sequence}`);
  if (frame.case === undefined)
    return breakOff(parts, session, `frame ${sequence} is of a kind that this gateway does not know`);
  session.heardAt = parts.deps.monotonic();
  const next = nextState(session.state, { type: 'frame', frame: frame.case });
  if (next.name === 'closed') {
    parts.ender.end(session, next.ending);
    return undefined;
  }
  session.state = next;
  switch (frame.case) {
    case 'hello':
      return parts.acceptor
        .accept(session, frame.value, origin)
        .finally(() => parts.unwelcomed.delete(session));
    case 'heartbeat':
      return undefined;
    case 'accepted':
      return takeAccepted(parts, session, frame.value.attempt);
    case 'output': {
      const { attempt, step } = frame.value;
      const own = attempt && session.attemptOf(attempt.operationUid, attempt.attempt);
      if (own && step) parts.steps.record(own, step);
      return own ? undefined : breakOff(parts, session, notIts('a step', attempt));
    }
    case 'result':
      return takeResult(parts, session, frame.value);
    case 'goodbye':
      parts.ender.end(session, { by: 'runner', reason: frame.value.reason });
      return undefined;
  }
}

function takeAccepted(
  parts: SessionParts,
  session: Session,
  attempt: AttemptReference | undefined,
): undefined {
  if (attempt && session.attemptOf(attempt.operationUid, attempt.attempt)) return undefined;
  return breakOff(parts, session, notIts('an acceptance', attempt));
}

/**
 * Results of its own attempts are written while the next frames are read, so that many share a statement; there are no more of them than
 * the session may carry out. Any other has to be looked up, one at a time.
 */
function takeResult(parts: SessionParts, session: Session, result: Result): Promise<void> | undefined {
  const { operationUid = '', attempt = 0 } = result.attempt ?? {};
  const recorded = parts.results.record(session, result);
  if (!session.attemptOf(operationUid, attempt)) return recorded;
  recorded.catch((error: unknown) => {
    if (error instanceof ResultRefused) return breakOff(parts, session, error.message);
    parts.deps.logger.error(
      { error, session: session.uid, operation: operationUid },
      'a result was not recorded',
    );
    const message = 'a result could not be recorded; connect again';
    parts.ender.end(session, { by: 'gateway', reason: GatewayGoodbyeReason.UNAVAILABLE, message });
  });
  return undefined;
}

function breakOff(parts: SessionParts, session: Session, message: string): undefined {
  const broken = violation(message);
  if (broken.name === 'closed') parts.ender.end(session, broken.ending);
}

function notIts(what: string, attempt: AttemptReference | undefined): string {
  return `${what} of attempt ${attempt?.attempt} of operation ${attempt?.operationUid}, which this session was not given`;
}

/** What the transport says about a frame that it did not deliver; anything else is a connection that is gone. */
function isOversized(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return typeof code === 'number';
}

/** Reads until the runner has closed, or was cut. */
async function drainInput(frames: AsyncIterator<OpenSessionRequest>): Promise<void> {
  try {
    for (let read = await frames.next(); !read.done; ) read = await frames.next();
  } catch {
    // It is over either way.
  }
}
