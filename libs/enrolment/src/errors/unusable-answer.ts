import { EnrolmentError } from './enrolment-error.ts';

/** The platform answered what a runner cannot use. */
export function unusableAnswer(why: string): EnrolmentError {
  return new EnrolmentError('answer', 'ANSWER_UNUSABLE', `the platform's answer cannot be used: ${why}`, {
    hint: 'look at the log of the server; its release may not fit that of the runner',
  });
}
