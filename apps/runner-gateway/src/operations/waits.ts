import type { OperationStep } from '@planton/api/runner/v1/operation';
import type { Database } from '@planton/database';
import { type Logger, unavailable } from '@planton/rpc';
import type { RunnerTables } from '../schema.ts';
import { type OperationRow, readStep } from './operation.ts';
import type { OperationKinds } from './operation-kind.ts';
import { readEnded, readStepsAfter, takeSealedOutput } from './operation-read-store.ts';

/** How an operation ended, for the caller that waits for it. */
export interface OperationEnded {
  readonly row: OperationRow;
  /** Protobuf bytes of a `SealedOutput`. */
  readonly sealedOutput?: Uint8Array;
}

/** A caller on this replica that waits for an operation. */
export interface Wait {
  readonly uid: string;
  /** Resolves with the next step, or with the end after the last. Rejects when this replica can no longer tell. */
  next(): Promise<OperationStep | OperationEnded>;
  /** Resolves with the end; the steps are lost. */
  ended(): Promise<OperationEnded>;
  /** The caller has gone. */
  cancel(): void;
}

export interface Waits {
  /** Begins to wait; the operation may be taken down afterwards. */
  add(uid: string): Wait;
  has(uid: string): boolean;
  /** A step that a session of this replica has brought. */
  step(uid: string, attempt: number, sequence: number, step: OperationStep): void;
  /** An end that this replica has recorded. */
  end(uid: string, ended: OperationEnded): void;
  /** Something happened to the operation on another replica: read what. */
  look(uid: string): void;
  /** Reads what became of all operations that are waited for and that no session here carries out. */
  lookAtAll(): Promise<void>;
  /** This replica can no longer tell: every caller is told to ask again. */
  abandon(): void;
}

interface State {
  readonly steps: OperationStep[];
  position: { readonly attempt: number; readonly sequence: number };
  end: OperationEnded | undefined;
  failure: Error | undefined;
  wake: () => void;
}

const START = { attempt: 0, sequence: 0 };

/**
 * Keeps who waits for which operation, told by the sessions of this replica, by other replicas, and by a look at the tables.
 *
 * @param isHere whether a session of this replica carries the operation out
 */
export function createWaits(settings: {
  readonly database: Database<RunnerTables>;
  readonly kinds: OperationKinds;
  readonly logger: Logger;
  readonly isHere: (uid: string) => boolean;
}): Waits {
  const { database, logger } = settings;
  const waits = new Map<string, State>();
  let toLookAt = new Set<string>();
  let looking: Promise<void> | undefined;

  const finish = (uid: string, settle: (state: State) => void) => {
    const state = waits.get(uid);
    if (!state) return;
    waits.delete(uid);
    settle(state);
    state.wake();
  };
  const end = (uid: string, ended: OperationEnded) =>
    finish(uid, (state) => {
      state.end = ended;
    });
  const take = (state: State, attempt: number, sequence: number, step: OperationStep | undefined) => {
    const { position } = state;
    const isNew =
      attempt > position.attempt || (attempt === position.attempt && sequence > position.sequence);
    if (!isNew) return;
    state.position = { attempt, sequence };
    if (!step) return;
    state.steps.push(step);
    state.wake();
  };
  const readSteps = async (uids: readonly string[]) => {
    const positions = uids.flatMap((uid) => {
      const state = waits.get(uid);
      return state ? [{ uid, ...state.position }] : [];
    });
    if (positions.length === 0) return;
    for (const { uid, attempt, sequence, step } of await readStepsAfter(database.query, positions)) {
      const state = waits.get(uid);
      if (state) take(state, attempt, sequence, readStep(step));
    }
  };
  const readAll = async (uids: readonly string[]) => {
    // The ends first: no step comes after an end, so none is missed.
    const rows = await readEnded(database.query, uids);
    await readSteps(uids);
    for (const row of rows) {
      if (!waits.has(row.uid)) continue;
      const sealedOutput =
        row.state === 'succeeded' && settings.kinds.get(row.kind)?.needsResultKey
          ? await takeSealedOutput(database.query, row.uid)
          : undefined;
      end(row.uid, { row, ...(sealedOutput ? { sealedOutput } : {}) });
    }
  };
  const lookUntilDone = async () => {
    while (toLookAt.size > 0) {
      const uids = [...toLookAt].filter((uid) => waits.has(uid));
      toLookAt = new Set();
      if (uids.length > 0) await readAll(uids);
    }
  };
  const startLooking = (): Promise<void> => {
    looking ??= lookUntilDone()
      .catch((error: unknown) =>
        logger.warn({ error }, 'operations could not be looked at, and are looked at again'),
      )
      .finally(() => {
        looking = undefined;
      });
    return looking;
  };

  return {
    add: (uid) => {
      const state: State = {
        steps: [],
        position: START,
        end: undefined,
        failure: undefined,
        wake: () => {},
      };
      waits.set(uid, state);
      return waitOn(uid, state, () => waits.delete(uid));
    },
    has: (uid) => waits.has(uid),
    step: (uid, attempt, sequence, step) => {
      const state = waits.get(uid);
      if (state) take(state, attempt, sequence, step);
    },
    end,
    look: (uid) => {
      if (!waits.has(uid)) return;
      toLookAt.add(uid);
      void startLooking();
    },
    lookAtAll: async () => {
      for (const uid of waits.keys()) if (!settings.isHere(uid)) toLookAt.add(uid);
      if (toLookAt.size > 0) await startLooking();
    },
    abandon: () => {
      for (const uid of [...waits.keys()]) {
        finish(uid, (state) => {
          state.failure = unavailable(
            'OUTCOME_PENDING',
            'this gateway can no longer tell how the operation ends',
            {
              hint: `planton operation get ${uid}`,
              metadata: { operation: uid },
            },
          );
        });
      }
    },
  };
}

function waitOn(uid: string, state: State, forget: () => void): Wait {
  const next = async (): Promise<OperationStep | OperationEnded> => {
    for (;;) {
      const step = state.steps.shift();
      if (step) return step;
      if (state.end) return state.end;
      if (state.failure) throw state.failure;
      await new Promise<void>((resolve) => {
        state.wake = resolve;
      });
    }
  };
  return {
    uid,
    next,
    ended: async () => {
      for (;;) {
        const event = await next();
        if ('row' in event) return event;
      }
    },
    cancel: () => {
      forget();
      state.failure = new Error('the caller has gone');
      state.wake();
    },
  };
}
