import { timingSafeEqual } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { CliError, exitCodes } from '../errors/cli-error.ts';

/** Where the browser brings the code. */
export interface Receiver {
  readonly redirectUri: string;
  /** The code; rejects where the person said no, or nobody came. */
  readonly code: Promise<string>;
  readonly close: () => void;
}

const page = (title: string, text: string) => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${title} – Planton Connect</title></head><body><h1>${title}</h1><p>${text}</p></body></html>`;

const done = page('You are signed in', 'Go on in your terminal. This page can be closed.');
const cancelled = page('Not signed in', 'Nothing was allowed. This page can be closed.');
const strange = page('Nothing here', 'This is not the sign-in that the terminal waits for.');

/**
 * Listens on loopback for the redirect of a sign-in (RFC 8252, section 7.3). Whatever does not have the state of this sign-in is not from
 * it: it is sent away, and the wait goes on.
 *
 * @param patience milliseconds until the wait is over
 */
export async function receiveCode(state: string, patience: number): Promise<Receiver> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  promise.catch(() => {});
  const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 10_000 }, (request, response) => {
    const url = URL.parse(request.url ?? '', redirectUri);
    const words = url?.searchParams;
    const here = request.headers.host === new URL(redirectUri).host && url?.pathname === '/callback';
    if (request.method !== 'GET' || !here || !words || !sameText(words.get('state') ?? '', state)) {
      answer(response, 400, strange);
      return;
    }
    const code = words.get('code');
    answer(response, 200, code ? done : cancelled);
    if (code) resolve(code);
    else reject(refusalOf(words.get('error') ?? ''));
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  const redirectUri = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/callback`;
  const timer = setTimeout(() => reject(nobodyCame()), patience);
  const close = () => {
    clearTimeout(timer);
    server.close();
    // The last answer is on its way.
    server.closeIdleConnections();
  };
  return { redirectUri, code: promise, close };
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    connection: 'close',
  });
  response.end(body);
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refusalOf(error: string): CliError {
  return error === 'access_denied'
    ? new CliError('the sign-in was cancelled in the browser', {
        exitCode: exitCodes.caller,
        hint: 'planton auth login',
      })
    : new CliError('the server refused the sign-in', {
        exitCode: exitCodes.failed,
        hint: 'is PLANTON_SERVER a Planton server of the same version?',
      });
}

function nobodyCame(): CliError {
  return new CliError('nobody signed in in the browser in time', {
    exitCode: exitCodes.failed,
    hint: 'try again with: planton auth login',
  });
}
