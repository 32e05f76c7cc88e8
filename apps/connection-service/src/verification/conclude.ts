import { ConnectError } from '@connectrpc/connect';
import { type Operation, OperationErrorKind, OperationState } from '@planton/api/runner/v1/operation';
import { type DomainError, toDomainError } from '@planton/rpc';
import type { Conclusion } from '../providers/provider.ts';
import type { FieldValues } from '../references/reference.ts';
import type { Protection } from './protection.ts';
import type { Scrub } from './scrub-text.ts';
import type { Subject } from './subject.ts';
import type { Cause, Finding } from './verification.ts';

const MESSAGE_LENGTH = 2_000;
const HINT_LENGTH = 500;
const IDENTITY_LENGTH = 2_048;
const MOST_CAUSES = 10;
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** What is wrong with the connection itself; everything else says nothing about it. */
const REFUSED_REASONS = new Set(['CREDENTIALS_MISSING', 'CREDENTIALS_MALFORMED']);

/** Nothing was found out. */
export function inconclusive(code: string, message: string, hint = ''): Finding {
  return { outcome: 'inconclusive', message, causes: [{ code, message, hint }], identity: '' };
}

/**
 * What it means that a verification got no further. Throws on what is about the caller, what ended because somebody wanted it to,
 * and faults of ours.
 */
export function concludeError(thrown: unknown, signal: AbortSignal): Finding {
  if (signal.aborted) throw thrown;
  const error = toDomainError(thrown);
  if (error?.kind === 'denied' || error?.kind === 'unauthenticated') throw thrown;
  if (error) {
    const outcome = REFUSED_REASONS.has(error.reason) ? 'refused' : 'inconclusive';
    return { outcome, message: error.message, causes: [causeOf(error)], identity: '' };
  }
  if (!(thrown instanceof ConnectError)) throw thrown;
  return inconclusive(
    'SERVICE_UNAVAILABLE',
    'a service that this needs does not answer',
    'try again in a moment',
  );
}

function causeOf({ reason, message, hint }: Pick<DomainError, 'reason' | 'message' | 'hint'>): Cause {
  return { code: reason, message, hint };
}

/** What the end of an operation means: whatever kept it from being carried out says nothing about the connection. */
export function concludeOperation(
  { provider, spec }: Subject,
  resolved: FieldValues,
  { state, output, error }: Operation,
): Conclusion {
  if (state === OperationState.SUCCEEDED && output) return provider.readVerification(spec, resolved, output);
  if (!error) {
    return { ...inconclusive('OPERATION_NOT_ENDED', 'the operation ended without a result'), checks: [] };
  }
  const causes = provider.readCauses(error);
  return {
    outcome: error.kind === OperationErrorKind.AUTHENTICATION ? 'refused' : 'inconclusive',
    message: error.message,
    causes: causes.length > 0 ? causes : [causeOf(error)],
    identity: '',
    checks: [],
  };
}

/** The same of what is said about who else is let in. */
export function scrubProtection({ result, observation, exposure }: Protection, scrub: Scrub): Protection {
  return { result, observation: scrub(observation, MESSAGE_LENGTH), exposure };
}

/** What a runner wrote, fit to be stored and shown. */
export function scrubFinding({ outcome, message, causes, identity }: Finding, scrub: Scrub): Finding {
  return {
    outcome,
    message: scrub(message, MESSAGE_LENGTH),
    causes: causes.slice(0, MOST_CAUSES).map((cause) => ({
      code: CODE.test(cause.code) ? scrub(cause.code, 64) : 'UNKNOWN',
      message: scrub(cause.message, MESSAGE_LENGTH),
      hint: scrub(cause.hint, HINT_LENGTH),
    })),
    identity: scrub(identity, IDENTITY_LENGTH),
  };
}
