import { EnrolmentError } from '@planton/enrolment';
import { SettingsRefused } from '@planton/rpc';
import type { RunnerEnd } from '../session/keep-session.ts';

/** As those of the command line. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  missing: 3,
  disowned: 4,
  superseded: 5,
} as const;

/** The exit code of what kept a runner from starting. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof SettingsRefused) return exitCodes.usage;
  if (!(error instanceof EnrolmentError)) return exitCodes.failed;
  const { kind, reason } = error;
  if (reason === 'SERVER_INVALID' || reason === 'PROXY_INVALID') return exitCodes.usage;
  if (reason === 'CREDENTIALS_MISSING') return exitCodes.missing;
  return kind === 'refused' ? exitCodes.disowned : exitCodes.failed;
}

/** The exit code of how a runner ended. */
export function exitCodeOfEnd({ kind }: RunnerEnd): number {
  return kind === 'stopped' ? exitCodes.done : exitCodes[kind];
}

/** What went wrong, as every program of the platform says it. */
export function formatFailure(failure: { readonly message: string; readonly hint?: unknown }): string {
  const { message, hint } = failure;
  return `error: ${message}\n${typeof hint === 'string' && hint !== '' ? `hint: ${hint}\n` : ''}`;
}
