import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { exitCodes, ServerUnreachable } from './cli-error.ts';

/** What to tell of a call that failed. */
export interface Explained {
  readonly message: string;
  readonly hint: string;
  readonly exitCode: number;
  /** Stable identifier of the cause, empty where the server gave none. */
  readonly reason: string;
  readonly violations: readonly { readonly field: string; readonly message: string }[];
}

const codes = new Map<Code, number>([
  [Code.InvalidArgument, exitCodes.usage],
  [Code.NotFound, exitCodes.notFound],
  [Code.Unauthenticated, exitCodes.caller],
  [Code.PermissionDenied, exitCodes.caller],
  [Code.FailedPrecondition, exitCodes.state],
  [Code.Aborted, exitCodes.state],
  [Code.AlreadyExists, exitCodes.state],
  [Code.Unavailable, exitCodes.unavailable],
  [Code.DeadlineExceeded, exitCodes.unavailable],
]);

/** Explains an error of a call; undefined for what was no call. */
export function explainError(error: unknown): Explained | undefined {
  const unreachable = findUnreachable(error);
  if (unreachable) {
    return {
      message: `cannot reach the server at ${unreachable.server}: ${unreachable.message}`,
      hint: 'start one with `planton server start`, or name another with --server or PLANTON_SERVER',
      exitCode: exitCodes.unavailable,
      reason: '',
      violations: [],
    };
  }
  if (!(error instanceof ConnectError)) return undefined;
  const [info] = error.findDetails(ErrorInfoSchema);
  const exitCode = codes.get(error.code) ?? exitCodes.failed;
  return {
    message: info ? error.rawMessage : describe(error),
    hint: info?.hint || hintFor(error.code, info !== undefined),
    exitCode,
    reason: info?.reason ?? '',
    violations: info?.violations ?? [],
  };
}

function describe(error: ConnectError): string {
  if (error.code === Code.DeadlineExceeded) return 'the server did not answer in time';
  if (error.code === Code.Unimplemented) return `the server does not know this call (${error.rawMessage})`;
  return error.rawMessage || `the server answered ${Code[error.code]}`;
}

function hintFor(code: Code, fromPlatform: boolean): string {
  switch (code) {
    case Code.Unauthenticated:
      return 'sign in with: planton auth login';
    case Code.PermissionDenied:
      return 'see your roles with: planton auth whoami';
    case Code.Unavailable:
    case Code.DeadlineExceeded:
      return 'try again in a moment';
    case Code.Unimplemented:
      return 'is PLANTON_SERVER a Planton server of the same version?';
    case Code.ResourceExhausted:
      return 'send less, or try again later';
    default:
      return fromPlatform ? '' : 'is PLANTON_SERVER a Planton server?';
  }
}

function findUnreachable(error: unknown): ServerUnreachable | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (at instanceof ServerUnreachable) return at;
  return undefined;
}
