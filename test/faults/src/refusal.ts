import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import type { CliResult } from '@planton/test-platform';
import { expect } from 'vitest';

/** Expects a command to end with the code, to say what is wrong and what to do about it, and to match every pattern. */
export function expectRefusal(result: CliResult, code: number, ...patterns: readonly RegExp[]): void {
  expect(result.stderr).toMatch(/^error: \S.{9,}$/m);
  expect(result.stderr).toMatch(/^hint: \S.{4,}$/m);
  expect(result.stderr).not.toMatch(/internal error|at .*\.(ts|js):\d+|regex|\[object|undefined/);
  expect(result.stderr.length).toBeLessThan(4096);
  for (const pattern of patterns) expect(result.stderr).toMatch(pattern);
  expect({ code: result.code, stderr: result.stderr }).toEqual({ code, stderr: result.stderr });
}

/** What a caller is told when a call fails. */
export interface Refusal {
  readonly code: Code;
  /** Empty where the error did not come from the platform. */
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
}

/** Expects a call to be refused on purpose: with an error of the platform that is no fault of the server. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => expect.fail('the call was not refused'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  const { code, rawMessage: message } = error as ConnectError;
  const info = (error as ConnectError).findDetails(ErrorInfoSchema)[0];
  expect([Code.Internal, Code.Unknown, Code.Unavailable], message).not.toContain(code);
  return { code, reason: info?.reason ?? '', message, hint: info?.hint ?? '' };
}
