import { type Operation, OperationErrorKind, OperationState } from '@planton/api/runner/v1/operation';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { formatEnum } from '../output/format-enum.ts';

const exitCodeOf: Readonly<Partial<Record<OperationErrorKind, number>>> = {
  [OperationErrorKind.TRANSIENT]: exitCodes.unavailable,
  [OperationErrorKind.OFFLINE]: exitCodes.unavailable,
  [OperationErrorKind.DEADLINE]: exitCodes.unavailable,
  [OperationErrorKind.INVALID]: exitCodes.usage,
  [OperationErrorKind.REFUSED]: exitCodes.state,
};

/**
 * What to tell of an operation that did not succeed, whose command ends with it.
 *
 * @param what what did not come about, in words
 */
export function operationFailure(operation: Operation | undefined, what: string): CliError {
  if (!operation)
    return new CliError(`${what}: the server answered without the operation`, {
      exitCode: exitCodes.failed,
      hint: 'is the server of the same version?',
    });
  const { error, state, uid } = operation;
  if (!error)
    return new CliError(
      `${what}: the operation is ${formatEnum(OperationState, state).replaceAll('_', ' ')}`,
      {
        exitCode: exitCodes.failed,
        hint: `planton operation get ${uid}`,
      },
    );
  return new CliError(`${what}: ${error.message}`, {
    exitCode: exitCodeOf[error.kind] ?? exitCodes.failed,
    hint: error.hint || `planton operation get ${uid}`,
  });
}
