import { create } from '@bufbuild/protobuf';
import { type Duration, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type ErrorInfo, ErrorInfoSchema } from '@planton/api/common/v1/error';
import { DomainError, type ErrorKind } from './domain-error.ts';

const codes: Readonly<Record<ErrorKind, Code>> = {
  invalid: Code.InvalidArgument,
  missing: Code.NotFound,
  duplicate: Code.AlreadyExists,
  stale: Code.Aborted,
  state: Code.FailedPrecondition,
  denied: Code.PermissionDenied,
  unauthenticated: Code.Unauthenticated,
  quota: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
  internal: Code.Internal,
};

const kinds = new Map(Object.entries(codes).map(([kind, code]) => [code, kind as ErrorKind]));

/** An error as it goes over the wire, and whether its cause has to be logged because callers are not shown it. */
export interface MappedError {
  readonly error: ConnectError;
  readonly unexpected: boolean;
}

/**
 * Maps whatever a handler threw to what a caller may see. Domain errors, and errors that another service of the platform
 * meant for callers, pass with their details; everything else becomes `internal error` and the id of the request.
 */
export function mapError(thrown: unknown, domain: string, requestId: string): MappedError {
  if (thrown instanceof DomainError) {
    return thrown.kind === 'internal'
      ? concealed(domain, requestId)
      : { error: toConnectError(thrown, domain), unexpected: false };
  }
  if (thrown instanceof ConnectError) {
    const info = errorInfoOf(thrown);
    if (info) {
      return { error: withInfo(thrown.rawMessage, thrown.code, info), unexpected: false };
    }
    if (thrown.code === Code.Canceled || thrown.code === Code.DeadlineExceeded)
      return { error: thrown, unexpected: false };
    if (thrown.code === Code.Unavailable) {
      const cause = new DomainError(
        'unavailable',
        'DEPENDENCY_UNAVAILABLE',
        'a service that this needs does not answer',
        {
          hint: 'try again in a moment',
        },
      );
      return { error: toConnectError(cause, domain), unexpected: true };
    }
  }
  return concealed(domain, requestId);
}

/** Makes the wire form of a domain error. */
export function toConnectError(error: DomainError, domain: string): ConnectError {
  const info = create(ErrorInfoSchema, {
    reason: error.reason,
    domain,
    metadata: { ...error.metadata },
    hint: error.hint,
    violations: error.violations.map(({ field, message }) => ({ field, message })),
    ...(error.retryAfterMs === undefined ? {} : { retryAfter: durationFromMs(error.retryAfterMs) }),
  });
  return withInfo(error.message, codes[error.kind], info);
}

/** An error with its details, and with the header that says the same to proxies and browsers (RFC 9110, section 10.2.3). */
function withInfo(message: string, code: Code, info: ErrorInfo): ConnectError {
  const metadata = info.retryAfter && { 'retry-after': String(wholeSeconds(info.retryAfter)) };
  return new ConnectError(message, code, metadata, [{ desc: ErrorInfoSchema, value: info }]);
}

function wholeSeconds(duration: Duration): number {
  return Math.max(1, Math.ceil(durationMs(duration) / 1000));
}

/** Reads a received error back into a domain error; undefined for what no service of the platform sent. */
export function toDomainError(thrown: unknown): DomainError | undefined {
  if (thrown instanceof DomainError) return thrown;
  if (!(thrown instanceof ConnectError)) return undefined;
  const info = errorInfoOf(thrown);
  const kind = kinds.get(thrown.code);
  if (!info || !kind) return undefined;
  const { reason, hint, metadata, violations, retryAfter } = info;
  return new DomainError(kind, reason, thrown.rawMessage, {
    hint,
    metadata,
    violations,
    cause: thrown,
    ...(retryAfter && { retryAfterMs: durationMs(retryAfter) }),
  });
}

function errorInfoOf(error: ConnectError): ErrorInfo | undefined {
  return error.findDetails(ErrorInfoSchema)[0];
}

function concealed(domain: string, requestId: string): MappedError {
  const error = new DomainError('internal', 'INTERNAL', `internal error (request ${requestId})`, {
    hint: 'look for this request id in the log of the server',
    metadata: { request_id: requestId },
  });
  return { error: toConnectError(error, domain), unexpected: true };
}
