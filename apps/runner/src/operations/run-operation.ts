import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import {
  OperationErrorKind,
  type OperationErrorSchema,
  OperationStepState,
} from '@planton/api/runner/v1/operation';
import type { Assignment, AttemptReference, ResultSchema } from '@planton/api/runner/v1/session';
import type { Logger } from '@planton/rpc';
import { cleanText } from './clean-text.ts';
import { OperationFailed } from './operation-failed.ts';
import type { OperationAnswer, OperationContext, RegisteredKind } from './operation-kind.ts';

/** Steps of one attempt that are told; more than are kept would only be dropped there. */
const MOST_STEPS = 200;
/** The longest timer of Node, in milliseconds. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * Why an attempt ends early:
 *
 * - `cancelled`: whoever asked for it no longer wants it
 * - `deadline`: its time is over
 * - `shutdown`: the runner ends and cannot wait for it
 * - `discarded`: it is no longer this runner's, so that nothing of it is sent
 */
export type EndReason = 'cancelled' | 'deadline' | 'shutdown' | 'discarded';

/** How an attempt ended, as its result says it. */
export type Outcome = Required<Pick<MessageInitShape<typeof ResultSchema>, 'outcome'>> &
  Pick<MessageInitShape<typeof ResultSchema>, 'sealedOutput'>;

/** What every operation of a runner is carried out with. */
export interface OperationDeps
  extends Omit<OperationContext, 'attempt' | 'signal' | 'step' | 'resultPublicKey'> {
  readonly kinds: readonly RegisteredKind[];
  readonly logger: Logger;
}

/** A step, as it is sent. */
export interface TakenStep {
  readonly name: string;
  readonly state: OperationStepState;
  readonly detail: string;
  readonly time: Date;
}

/** An attempt under way. */
export interface RunningOperation {
  /** Never rejects; undefined where the attempt was discarded. */
  readonly outcome: Promise<Outcome | undefined>;
  /** Ends it early; the first reason counts. */
  end(reason: EndReason): void;
}

/** Carries out an assignment until it ends, its time is over or someone ends it, whichever comes first. */
export function runOperation(
  assignment: Assignment,
  attempt: AttemptReference,
  deps: OperationDeps,
  onStep: (step: TakenStep) => void,
): RunningOperation {
  const ending = new AbortController();
  const ended = Promise.withResolvers<EndReason>();
  let isOver = false;
  let steps = 0;
  const end = (reason: EndReason) => {
    if (isOver) return;
    isOver = true;
    ended.resolve(reason);
    ending.abort();
  };
  const timeout = assignment.timeout ? durationMs(assignment.timeout) : 0;
  const timer = setTimeout(() => end('deadline'), Math.min(Math.max(timeout, 0), LONGEST_TIMER_MS));

  const kind = deps.kinds.find(({ input }) => input === assignment.input?.kind.case);
  const carryOut = async (): Promise<Outcome> => {
    if (!kind || !assignment.input) throw unknownKind();
    const answer = await kind.run(assignment.input, {
      attempt,
      signal: ending.signal,
      resultPublicKey: assignment.resultPublicKey,
      platform: deps.platform,
      aws: deps.aws,
      version: deps.version,
      now: deps.now,
      step: (name, state, detail = '') => {
        if (isOver || ++steps > MOST_STEPS) return;
        onStep({
          name: cleanText(name, 200),
          state: OperationStepState[state],
          detail: cleanText(detail, 2_000),
          time: deps.now(),
        });
      },
    });
    return succeeded(answer);
  };
  const settled = carryOut().catch((error: unknown) => failed(describe(error, attempt, deps.logger)));
  const outcome = Promise.race([settled, ended.promise.then((reason) => outcomeOf(reason, kind))]);
  return {
    end,
    outcome: outcome.finally(() => {
      isOver = true;
      clearTimeout(timer);
    }),
  };
}

function succeeded({ output, sealedOutput }: OperationAnswer): Outcome {
  return {
    outcome: { case: 'succeeded', value: { kind: output } },
    ...(sealedOutput ? { sealedOutput } : {}),
  };
}

function failed(value: MessageInitShape<typeof OperationErrorSchema>): Outcome {
  return { outcome: { case: 'failed', value } };
}

function outcomeOf(reason: EndReason, kind: RegisteredKind | undefined): Outcome | undefined {
  switch (reason) {
    case 'discarded':
      return undefined;
    case 'cancelled':
      return { outcome: { case: 'cancelled', value: {} } };
    case 'deadline':
      return failed({
        kind: OperationErrorKind.DEADLINE,
        reason: 'OPERATION_DEADLINE',
        message: 'the operation did not end on the runner in the time that it was given',
      });
    case 'shutdown':
      // What may be carried out twice can as well be carried out by another instance.
      return kind?.repeatable
        ? { outcome: { case: 'handedBack', value: {} } }
        : failed({
            kind: OperationErrorKind.INTERNAL,
            reason: 'RUNNER_SHUTDOWN',
            message: 'the runner was shut down while it carried out the operation',
          });
  }
}

function unknownKind(): OperationFailed {
  return new OperationFailed('REFUSED', 'KIND_UNKNOWN', 'the runner does not know operations of this kind', {
    hint: 'start a newer release of the runner',
  });
}

/** A fault is named by its place alone: its message may quote what the operation worked with. */
function describe(
  error: unknown,
  { operationUid, attempt }: AttemptReference,
  logger: Logger,
): MessageInitShape<typeof OperationErrorSchema> {
  if (error instanceof OperationFailed) {
    return {
      kind: OperationErrorKind[error.kind],
      reason: cleanText(error.reason, 100),
      message: cleanText(error.message, 2_000),
      hint: cleanText(error.hint, 500),
      causes: error.causes.slice(0, 10),
    };
  }
  const name = error instanceof Error ? error.name : typeof error;
  const places =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  logger.error(
    {
      operationUid,
      attempt,
      fault: cleanText(name, 100),
      at: places.slice(0, 10).map((line) => line.trim()),
    },
    'an operation failed by a fault of the runner',
  );
  return {
    kind: OperationErrorKind.INTERNAL,
    reason: 'RUNNER_FAULT',
    message: 'the runner could not carry out the operation because of a fault of its own',
    hint: `look for ${operationUid} in the log of the runner`,
  };
}
