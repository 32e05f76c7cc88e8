import {
  type AwsAccessCause,
  AwsAccessCauseCode,
  AwsAccessCauseCodeSchema,
  type OperationError,
} from '@planton/api/runner/v1/operation';
import type { Cause } from '../../verification/verification.ts';

/** The causes that a runner found for a failure. */
export function readCauses({ causes }: Pick<OperationError, 'causes'>): readonly Cause[] {
  return causes.map(readCause);
}

/** A cause with the name of its code; `UNKNOWN` for one of a later release. */
export function readCause({ code, message, hint }: Omit<AwsAccessCause, '$typeName'>): Cause {
  const name = AwsAccessCauseCodeSchema.value[code]?.localName;
  return {
    code: name === undefined || code === AwsAccessCauseCode.UNSPECIFIED ? 'UNKNOWN' : name,
    message,
    hint,
  };
}

/** The only cause of an answer that says nothing. */
export function answerNotUnderstood(message: string): Cause {
  return {
    code: 'ANSWER_NOT_UNDERSTOOD',
    message,
    hint: 'run the same release of the runner as of the server',
  };
}
