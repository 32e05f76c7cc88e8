import { Code, ConnectError } from '@connectrpc/connect';
import { type Operation, type OperationError, OperationErrorKind } from '@planton/api/runner/v1/operation';
import { type DomainError, invalid, state, toDomainError, unavailable } from '@planton/rpc';
import type { Provider } from '../providers/provider.ts';
import type { Scrub } from '../verification/scrub-text.ts';

/** What an operation was for, for messages. */
export interface OperationSubject {
  readonly provider: Provider;
  /** Slug. */
  readonly connection: string;
  readonly offlineHint: string;
  /** Takes out of a text what must not be shown. */
  readonly scrub: Scrub;
}

const MESSAGE_LENGTH = 2_000;
const HINT_LENGTH = 500;
const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;
const SILENCES: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded]);
const TRY_AGAIN = 'try again in a moment';

/**
 * Why no session was opened, as callers see it.
 *
 * - the other side refused: `failed_precondition`, with the possible causes as violations
 * - it refused the session policy alone: `invalid_argument`
 * - nothing was found out, such as a platform runner that is not connected or took too long: `unavailable`
 */
export function failureOf({ error }: Operation, subject: OperationSubject): DomainError {
  if (!error) {
    return unavailable('OPERATION_NOT_ENDED', `${nameOf(subject)}: the operation ended without a result`, {
      hint: TRY_AGAIN,
    });
  }
  if (error.reason === 'SESSION_POLICY_REFUSED') return policyRefused(error, subject);
  const message = `${nameOf(subject)}: ${subject.scrub(error.message, MESSAGE_LENGTH)}`;
  switch (error.kind) {
    case OperationErrorKind.AUTHENTICATION:
    case OperationErrorKind.INVALID:
    case OperationErrorKind.REFUSED:
      return refused(error, subject, message);
    case OperationErrorKind.OFFLINE:
      return offline(subject, subject.scrub(error.message, MESSAGE_LENGTH));
    case OperationErrorKind.DEADLINE:
      return unavailable(reasonOf(error), message, {
        hint: `try again; if it goes on, ${subject.offlineHint}`,
        metadata: { connection: subject.connection },
      });
    default:
      return unavailable(reasonOf(error), message, {
        hint: subject.scrub(error.hint, HINT_LENGTH) || TRY_AGAIN,
        metadata: { connection: subject.connection },
      });
  }
}

/** What it means that an operation was not carried out at all. Errors that are about the caller, and faults, are what they were. */
export function explainThrown(thrown: unknown, subject: OperationSubject): unknown {
  const error = toDomainError(thrown);
  if (error?.reason === 'RUNNER_NOT_FOUND') return offline(subject, 'it was never enrolled');
  if (error || !(thrown instanceof ConnectError) || !SILENCES.has(thrown.code)) return thrown;
  return unavailable('SERVICE_UNAVAILABLE', 'a service that this needs does not answer', {
    hint: TRY_AGAIN,
    cause: thrown,
  });
}

function offline(subject: OperationSubject, message: string): DomainError {
  return unavailable(
    'PLATFORM_RUNNER_OFFLINE',
    `${nameOf(subject)}: the platform runner, which opens its sessions, is not connected: ${message}`,
    { hint: subject.offlineHint, metadata: { connection: subject.connection } },
  );
}

function refused(error: OperationError, subject: OperationSubject, message: string): DomainError {
  const { scrub, provider, connection } = subject;
  return state(reasonOf(error), message, {
    hint: `planton connection verify ${connection}`,
    metadata: { connection },
    violations: provider.readCauses(error).map(({ code, message: cause, hint }) => ({
      field: code,
      message: scrub(hint === '' ? cause : `${cause}; ${hint}`, MESSAGE_LENGTH),
    })),
  });
}

function policyRefused(error: OperationError, { scrub }: OperationSubject): DomainError {
  const message = scrub(error.message, MESSAGE_LENGTH);
  return invalid('SESSION_POLICY_REFUSED', `session_policy: ${message}`, {
    hint: scrub(error.hint, HINT_LENGTH) || 'change the policy, or leave it out',
    violations: [{ field: 'session_policy', message }],
  });
}

function nameOf({ connection }: OperationSubject): string {
  return `connection "${connection}"`;
}

function reasonOf({ reason }: OperationError): string {
  return REASON.test(reason) ? reason : 'OPERATION_FAILED';
}
