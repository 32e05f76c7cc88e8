import type { TrustSetupStateName, TrustSetupWaitName } from '../schema.ts';
import type { Cause } from '../verification/verification.ts';
import { pauseHeard, pauseUnheard, type SetupPace } from './pace.ts';

/** What of an open set-up decides how it goes on. Times are the database's. */
export interface Progress {
  readonly now: Date;
  readonly attempts: number;
  readonly withoutStack: boolean;
  readonly callsBack: boolean;
  readonly externalIdEdited: boolean;
  /** When the callback came; null until then. */
  readonly claimTime: Date | null;
  /** Whether it named the role that was agreed on. */
  readonly claimsAgreedRole: boolean;
  /** When the role first let the platform in. */
  readonly workedTime: Date | null;
  /** Since when it no longer does. */
  readonly refusedTime: Date | null;
  /** Since when it lets in others. */
  readonly insecureTime: Date | null;
}

/** The stack, as AWS describes it. */
export interface Stack {
  /** ARN. */
  readonly id: string;
  /** Such as `CREATE_COMPLETE`. */
  readonly status: string;
  /** AWS's own words; often empty. */
  readonly reason: string;
}

/** What an attempt found out. */
export type Observation =
  /** Nothing: the platform runner is not there, AWS does not answer. */
  | { readonly kind: 'unknown'; readonly message: string; readonly causes: readonly Cause[] }
  /** AWS denied it, which says the same of a role that is not there, or trusts others, or asks for another external ID. */
  | { readonly kind: 'refused'; readonly message: string; readonly causes: readonly Cause[] }
  /** The role let the platform in. */
  | {
      readonly kind: 'admitted';
      readonly stack: Stack | undefined;
      /** Why the stack could not be read. */
      readonly stackObservation: string;
      readonly externalId: 'not_probed' | 'enforced' | 'not_enforced' | 'inconclusive';
      /** What probing observed. */
      readonly message: string;
      readonly causes: readonly Cause[];
    };

/** A moment that the set-up remembers: set to now unless it is set, unset, or left as it is. */
export type Mark = 'set' | 'unset' | 'keep';

export interface Marks {
  readonly worked: Mark;
  readonly refused: Mark;
  readonly insecure: Mark;
}

export type Next =
  | {
      readonly kind: 'wait';
      readonly state: Extract<TrustSetupStateName, 'pending' | 'verifying'>;
      readonly wait: TrustSetupWaitName;
      readonly message: string;
      readonly causes: readonly Cause[];
      readonly pauseSeconds: number;
      readonly marks: Marks;
    }
  /** The role is the right one: whether it keeps others out is to be found out now. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'complete' }
  | { readonly kind: 'fail'; readonly message: string; readonly causes: readonly Cause[] };

/** The only two in which a stack stays: in any other it may yet take its role away. */
const COMPLETE = new Set(['CREATE_COMPLETE', 'UPDATE_COMPLETE']);
const LOST = /^(ROLLBACK_|DELETE_|CREATE_FAILED|IMPORT_ROLLBACK_)/;

const KEEP: Marks = { worked: 'keep', refused: 'keep', insecure: 'keep' };

/** How a set-up goes on after an attempt. Pure: the same progress and observation always lead to the same. */
export function decideNext(progress: Progress, observation: Observation, pace: SetupPace): Next {
  if (observation.kind === 'unknown') return waitForPlatform(progress, observation, pace);
  if (observation.kind === 'refused') {
    return progress.workedTime
      ? decideGone(progress, observation, pace)
      : decideRefused(progress, observation, pace);
  }
  const { stack, stackObservation } = observation;
  if (!progress.withoutStack) {
    if (!stack) {
      const message = `the role lets the platform in, and its stack cannot be described: ${stackObservation}`;
      return waitForStack(progress, message, pace);
    }
    if (LOST.test(stack.status)) return failedStack(stack);
    if (!COMPLETE.has(stack.status)) return waitForStack(progress, inProgress(stack), pace);
  }
  return decideExternalId(progress, observation, pace);
}

function waitForPlatform(
  progress: Progress,
  { message, causes }: Extract<Observation, { kind: 'unknown' }>,
  pace: SetupPace,
): Next {
  const state = progress.claimTime || progress.workedTime ? 'verifying' : 'pending';
  return {
    kind: 'wait',
    state,
    wait: 'platform',
    message,
    causes,
    pauseSeconds: pauseOf(progress, pace),
    marks: KEEP,
  };
}

function decideRefused(
  progress: Progress,
  { message, causes }: Extract<Observation, { kind: 'refused' }>,
  pace: SetupPace,
): Next {
  const { claimTime, claimsAgreedRole, callsBack, externalIdEdited, now } = progress;
  const pauseSeconds = pauseOf(progress, pace);
  const wait = { kind: 'wait', pauseSeconds, marks: KEEP } as const;
  if (externalIdEdited) return { ...wait, state: 'pending', wait: 'role', ...editedExternalId() };
  if (claimTime) {
    // A claim that names another role may be false, and then says nothing of the agreed one: that has until the set-up expires.
    if (claimsAgreedRole && seconds(claimTime, now) >= pace.refusedFor) {
      return {
        kind: 'fail',
        message: `the stack says that the role is there, and AWS refuses it: ${message}`,
        causes: lasting(causes),
      };
    }
    return {
      ...wait,
      state: 'verifying',
      wait: 'propagation',
      message:
        'the stack has made the role; AWS does not let the platform in yet, as right after a change in IAM',
      causes,
    };
  }
  return {
    ...wait,
    state: 'pending',
    wait: callsBack ? 'callback' : 'role',
    message: 'the role is not there yet, or does not trust the platform',
    causes: [],
  };
}

/** What is left to explain a refusal that has gone on for longer than IAM takes to make a change known. */
function lasting(causes: readonly Cause[]): readonly Cause[] {
  return causes.filter(({ code }) => code !== 'PROPAGATING');
}

function decideGone(
  progress: Progress,
  { message, causes }: Extract<Observation, { kind: 'refused' }>,
  pace: SetupPace,
): Next {
  const { refusedTime, now } = progress;
  if (refusedTime && seconds(refusedTime, now) >= pace.goneAfter) {
    const cause: Cause = {
      code: 'ROLE_GONE',
      message: 'The role was deleted: its stack was rolled back or deleted, or somebody deleted the role.',
      hint: 'Look at the events of the stack for the first failure, then begin again.',
    };
    return {
      kind: 'fail',
      message: `the role let the platform in and no longer does: ${message}`,
      causes: [cause, ...lasting(causes)],
    };
  }
  return {
    kind: 'wait',
    state: 'verifying',
    wait: 'propagation',
    message: 'the role let the platform in and does not at the moment',
    causes,
    pauseSeconds: pauseOf(progress, pace),
    marks: { ...KEEP, refused: 'set' },
  };
}

function decideExternalId(
  progress: Progress,
  { externalId, message, causes }: Extract<Observation, { kind: 'admitted' }>,
  pace: SetupPace,
): Next {
  if (externalId === 'not_probed') return { kind: 'probe' };
  if (externalId === 'enforced') return { kind: 'complete' };
  const { insecureTime, now } = progress;
  if (externalId === 'not_enforced') {
    if (insecureTime && seconds(insecureTime, now) >= pace.insecureAfter) {
      return { kind: 'fail', message: `the role is insecure: ${message}`, causes };
    }
    return {
      kind: 'wait',
      state: 'verifying',
      wait: 'propagation',
      message: `${message}; it is tried again, in case AWS has not heard of the role's trust policy everywhere`,
      causes,
      pauseSeconds: Math.min(pauseOf(progress, pace) * 2, pace.insecureAfter / 3),
      marks: { worked: 'set', refused: 'unset', insecure: 'set' },
    };
  }
  return {
    kind: 'wait',
    state: 'verifying',
    wait: 'platform',
    message: `the role lets the platform in, and whether it keeps others out could not be found out: ${message}`,
    causes,
    pauseSeconds: pauseOf(progress, pace),
    marks: { worked: 'set', refused: 'unset', insecure: 'keep' },
  };
}

function waitForStack(progress: Progress, message: string, pace: SetupPace): Next {
  return {
    kind: 'wait',
    state: 'verifying',
    wait: 'stack',
    message,
    causes: [],
    pauseSeconds: pauseOf({ ...progress, workedTime: progress.workedTime ?? progress.now }, pace),
    marks: { worked: 'set', refused: 'unset', insecure: 'keep' },
  };
}

function inProgress({ status }: Stack): string {
  return `the role lets the platform in; its stack is ${status} and has to be complete before it is used`;
}

function failedStack({ status, reason }: Stack): Next {
  const cause: Cause = {
    code: 'STACK_FAILED',
    message: reason === '' ? 'CloudFormation gave no reason for the stack as a whole.' : reason,
    hint: 'Look at the events of the stack for the first failure, delete the stack, then begin again.',
  };
  return { kind: 'fail', message: `the stack is ${status}: its role does not stay`, causes: [cause] };
}

function editedExternalId(): { readonly message: string; readonly causes: readonly Cause[] } {
  const cause: Cause = {
    code: 'EXTERNAL_ID',
    message: 'The parameter ExternalId of the stack was changed from what the link had filled in.',
    hint: 'Update the stack with the external ID of the link, or delete it and open the link again.',
  };
  return { message: 'the stack was made with another external ID', causes: [cause] };
}

function pauseOf({ now, claimTime, workedTime, attempts }: Progress, pace: SetupPace): number {
  const heard = [claimTime, workedTime].flatMap((time) => (time ? [time.getTime()] : []));
  if (heard.length === 0) return pauseUnheard(pace, attempts);
  return pauseHeard(pace, (now.getTime() - Math.max(...heard)) / 1_000);
}

function seconds(from: Date, to: Date): number {
  return (to.getTime() - from.getTime()) / 1_000;
}
