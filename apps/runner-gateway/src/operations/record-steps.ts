import { create, toJson } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type OperationStep, OperationStepSchema } from '@planton/api/runner/v1/operation';
import { writeInBatches } from '@planton/database';
import type { Deps } from '../deps.ts';
import type { Attempt } from '../sessions/session.ts';
import { insertSteps, type NewStep } from './operation-read-store.ts';
import type { Waits } from './waits.ts';

/** Steps of one attempt that are kept; further ones are shown to nobody. */
const STEPS_AT_MOST = 200;

/** Takes the steps that runners observe: shows them to whoever waits here, and writes them down for everyone else. */
export function createStepRecorder(settings: {
  readonly deps: Pick<Deps, 'database' | 'wake' | 'replicaUid' | 'logger' | 'now'>;
  readonly waits: Waits;
}): { record(attempt: Attempt, step: OperationStep): void } {
  const { deps, waits } = settings;
  const writer = writeInBatches<NewStep, undefined>({
    write: async (steps) => {
      await insertSteps(deps.database.query, steps);
      return steps.map(() => undefined);
    },
    largest: 256,
    concurrency: 1,
  });

  const write = async (attempt: Attempt, sequence: number, step: OperationStep) => {
    try {
      await writer.write({
        uid: attempt.uid,
        attempt: attempt.attempt,
        sequence,
        step: JSON.stringify(toJson(OperationStepSchema, step)),
      });
      if (attempt.requesterReplicaUid !== deps.replicaUid)
        deps.wake.stepped(attempt.requesterReplicaUid, attempt.uid);
    } catch (error) {
      deps.logger.warn({ error, operation: attempt.uid }, 'a step of an operation was not written down');
    }
  };

  return {
    record: (attempt, observed) => {
      if (attempt.steps >= STEPS_AT_MOST) return;
      attempt.steps += 1;
      const step = observed.time
        ? observed
        : create(OperationStepSchema, { ...observed, time: timestampFromDate(deps.now()) });
      waits.step(attempt.uid, attempt.attempt, attempt.steps, step);
      attempt.stepsWritten = Promise.all([attempt.stepsWritten, write(attempt, attempt.steps, step)]).then(
        () => {},
      );
    },
  };
}
