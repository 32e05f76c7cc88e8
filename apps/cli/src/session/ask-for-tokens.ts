import { CliError, exitCodes } from '../errors/cli-error.ts';
import { httpClient } from './http-client.ts';

/** The command line, as servers know it. */
export const clientId = 'planton-cli';

/** What the token endpoint gives. */
export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  /** Seconds that `access` lives. */
  readonly lifetime: number;
}

const largestAnswer = 64 * 1024;
const patience = 30_000;

/** An answer of an endpoint of the sign-in. */
export interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends a form to an endpoint of the sign-in, such as `/auth/token`. Throws `ServerUnreachable`, or `CliError` for what is no answer. */
export async function postForm(
  server: string,
  path: string,
  words: Readonly<Record<string, string>>,
): Promise<Answered> {
  const form = new URLSearchParams({ client_id: clientId, ...words }).toString();
  const { status, body } = await httpClient({
    url: `${server}${path}`,
    method: 'POST',
    header: new Headers({ 'content-type': 'application/x-www-form-urlencoded' }),
    body: once(Buffer.from(form)),
    signal: AbortSignal.timeout(patience),
  });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > largestAnswer) throw noAnswer(server, status);
    parts.push(part);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(parts).toString());
    return { status, body: Object(value) };
  } catch {
    throw noAnswer(server, status);
  }
}

/** Reads what the token endpoint gave; undefined where it refused. */
export function tokensOf({ status, body }: Answered): Tokens | undefined {
  const { access_token: access, refresh_token: refresh, expires_in: lifetime } = body;
  const whole = typeof access === 'string' && typeof refresh === 'string' && typeof lifetime === 'number';
  return status === 200 && whole ? { access, refresh, lifetime } : undefined;
}

/** An error for an answer that is neither tokens nor a refusal that is known. */
export function noAnswer(server: string, status: number): CliError {
  const busy = status === 429 || status >= 500;
  return new CliError(
    busy
      ? `${server} cannot sign anybody in now (${status})`
      : `${server} does not sign in as a Planton server does (${status})`,
    {
      exitCode: busy ? exitCodes.unavailable : exitCodes.failed,
      hint: busy ? 'try again in a moment' : 'is PLANTON_SERVER a Planton server of the same version?',
    },
  );
}

async function* once(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  yield chunk;
}
