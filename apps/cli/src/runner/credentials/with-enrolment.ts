import type { EnrolmentError } from '@planton/enrolment';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { explainError } from '../../errors/explain-error.ts';

type Enrolment = typeof import('@planton/enrolment');

/**
 * Does something with the library that makes runners' credentials, which is loaded when it is needed.
 *
 * @throws CliError where the library refuses
 */
export async function withEnrolment<T>(use: (enrolment: Enrolment) => Promise<T>): Promise<T> {
  const enrolment = await import('@planton/enrolment');
  try {
    return await use(enrolment);
  } catch (error) {
    if (error instanceof enrolment.EnrolmentError) throw explain(error);
    throw error;
  }
}

function explain({ kind, message, hint, cause }: EnrolmentError): CliError {
  const call = explainError(cause);
  const exitCode = call?.exitCode ?? (kind === 'unavailable' ? exitCodes.unavailable : exitCodes.failed);
  return new CliError(message, { exitCode, hint: hint || call?.hint || '' });
}
