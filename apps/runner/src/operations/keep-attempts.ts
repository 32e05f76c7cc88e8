import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { OpenSessionRequestSchema } from '@planton/api/runner/v1/runner_gateway';
import {
  type Assignment,
  type AttemptReference,
  AttemptReferenceSchema,
} from '@planton/api/runner/v1/session';
import { type OperationDeps, type Outcome, type RunningOperation, runOperation } from './run-operation.ts';

/** What is said about attempts. */
export type AttemptFrame = Extract<
  MessageInitShape<typeof OpenSessionRequestSchema>['frame'],
  { case: 'accepted' | 'output' | 'result' }
>;

/** Attempts that may be known at once, so that a hello can name all of them, however they end. */
const MOST_KNOWN = 1_000;

/** The attempts that a hello names. */
export interface KnownAttempts {
  readonly inFlight: readonly AttemptReference[];
  readonly unacknowledged: readonly AttemptReference[];
}

/**
 * The attempts of a runner, which outlive its sessions. Each is in one of these states:
 *
 * - *in flight*: it is carried out; `assign` begins it, its end makes it
 * - *unacknowledged*: it has ended and its result is kept, and sent at once on every session, until `acknowledge` or `reconcile` lets it go
 * - gone
 */
export interface Attempts {
  /** How many are in flight. */
  inFlight(): number;
  known(): KnownAttempts;
  /**
   * Begins an attempt, or hands it back where there is no room or nothing more is taken. An attempt that is known already is not begun
   * again, nor is one older than what is known of its operation.
   *
   * @returns false where more attempts are known than a hello can name
   */
  assign(assignment: Assignment, attempt: AttemptReference): boolean;
  /** Ends an attempt early. Its result still comes. */
  cancel(attempt: AttemptReference): void;
  /** The result is on record, or nobody wants it. */
  acknowledge(attempt: AttemptReference): void;
  /** Ends every attempt that the hello named and that is not to be kept; no result of it is sent. */
  reconcile(named: KnownAttempts, keep: readonly AttemptReference[]): void;
  /** A session is ready: results that wait are sent, then everything as it comes, until the session detaches. */
  attach(send: (frame: AttemptFrame) => void): () => void;
  /** Whether new attempts are begun, or handed back. */
  take(taking: boolean): void;
  /** Ends everything in flight because the runner ends; what may be repeated is handed back. */
  abandon(): void;
  /** Whether nothing is in flight and every result has been acknowledged. */
  isSettled(): boolean;
  /** Resolves once nothing is in flight and every result has been acknowledged. */
  settled(): Promise<void>;
}

interface InFlight {
  readonly attempt: AttemptReference;
  readonly operation: RunningOperation;
}

interface Unacknowledged {
  readonly attempt: AttemptReference;
  readonly outcome: Outcome;
}

/** Keeps the attempts of a runner; at most `maxInFlight` are carried out at once. */
export function keepAttempts(
  deps: OperationDeps & { readonly maxInFlight: number; readonly monotonic: () => number },
): Attempts {
  const { logger, maxInFlight, monotonic } = deps;
  /** Both by the operation: no two attempts of one are known at once. */
  const inFlight = new Map<string, InFlight>();
  const unacknowledged = new Map<string, Unacknowledged>();
  let send: ((frame: AttemptFrame) => void) | undefined;
  let taking = true;
  let waiting: (() => void)[] = [];

  const isSettled = () => inFlight.size === 0 && unacknowledged.size === 0;
  const settle = () => {
    if (!isSettled()) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const sendResult = ({ attempt, outcome }: Unacknowledged) =>
    send?.({ case: 'result', value: { attempt, ...outcome } });
  const conclude = (attempt: AttemptReference, outcome: Outcome) => {
    const ended = { attempt, outcome };
    unacknowledged.set(attempt.operationUid, ended);
    sendResult(ended);
  };
  const forget = (attempt: AttemptReference) => {
    const running = inFlight.get(attempt.operationUid);
    if (running?.attempt.attempt === attempt.attempt) {
      inFlight.delete(attempt.operationUid);
      running.operation.end('discarded');
    }
    if (unacknowledged.get(attempt.operationUid)?.attempt.attempt === attempt.attempt)
      unacknowledged.delete(attempt.operationUid);
    settle();
  };

  const begin = (assignment: Assignment, attempt: AttemptReference) => {
    const started = monotonic();
    send?.({ case: 'accepted', value: { attempt } });
    const operation = runOperation(assignment, attempt, deps, ({ time, ...step }) =>
      send?.({ case: 'output', value: { attempt, step: { ...step, time: timestampFromDate(time) } } }),
    );
    const running = { attempt, operation };
    inFlight.set(attempt.operationUid, running);
    operation.outcome.then((outcome) => {
      // It may have been discarded, and its place taken by a later attempt.
      if (inFlight.get(attempt.operationUid) !== running) return;
      inFlight.delete(attempt.operationUid);
      if (outcome) conclude(attempt, outcome);
      logger.info(
        {
          operationUid: attempt.operationUid,
          attempt: attempt.attempt,
          kind: assignment.input?.kind.case,
          outcome: outcome?.outcome.case ?? 'discarded',
          ms: Math.round(monotonic() - started),
        },
        'an operation ended',
      );
      settle();
    });
  };

  return {
    inFlight: () => inFlight.size,
    known: () => ({
      inFlight: [...inFlight.values()].map(({ attempt }) => attempt),
      unacknowledged: [...unacknowledged.values()].map(({ attempt }) => attempt),
    }),
    assign: (assignment, given) => {
      const attempt = create(AttemptReferenceSchema, given);
      const ended = unacknowledged.get(attempt.operationUid);
      const known = inFlight.get(attempt.operationUid)?.attempt ?? ended?.attempt;
      if (known && known.attempt >= attempt.attempt) {
        if (ended && known.attempt === attempt.attempt) sendResult(ended);
        return true;
      }
      if (known) forget(known);
      if (inFlight.size + unacknowledged.size >= MOST_KNOWN) return false;
      if (taking && inFlight.size < maxInFlight) begin(assignment, attempt);
      else conclude(attempt, { outcome: { case: 'handedBack', value: {} } });
      return true;
    },
    cancel: ({ operationUid, attempt }) => {
      const running = inFlight.get(operationUid);
      if (running?.attempt.attempt === attempt) running.operation.end('cancelled');
    },
    acknowledge: ({ operationUid, attempt }) => {
      if (unacknowledged.get(operationUid)?.attempt.attempt !== attempt) return;
      unacknowledged.delete(operationUid);
      settle();
    },
    reconcile: (named, keep) => {
      const kept = new Set(keep.map(({ operationUid, attempt }) => `${operationUid}/${attempt}`));
      for (const attempt of [...named.inFlight, ...named.unacknowledged]) {
        if (!kept.has(`${attempt.operationUid}/${attempt.attempt}`)) forget(attempt);
      }
    },
    attach: (to) => {
      send = to;
      for (const ended of unacknowledged.values()) sendResult(ended);
      return () => {
        if (send === to) send = undefined;
      };
    },
    take: (value) => {
      taking = value;
    },
    abandon: () => {
      for (const { operation } of inFlight.values()) operation.end('shutdown');
    },
    isSettled,
    settled: () => (isSettled() ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  };
}
