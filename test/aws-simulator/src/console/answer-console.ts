import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { AwsError, validationError } from '../errors/aws-error.ts';
import { isFields } from '../policies/read-fields.ts';
import type { AskedStack, Console } from './console.ts';

const LARGEST_BODY = 64 * 1024;

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

const page = (name: string) => readFileSync(new URL(`./page/${name}`, import.meta.url));
const SCRIPT = 'text/javascript; charset=utf-8';
const FILES: ReadonlyMap<string, { readonly type: string; readonly body: Buffer }> = new Map([
  ['/cloudformation/home', { type: 'text/html; charset=utf-8', body: page('console.html') }],
  ['/console/console.css', { type: 'text/css; charset=utf-8', body: page('console.css') }],
  ...['console.js', 'dom.js', 'show-quick-create.js', 'show-stack.js'].map(
    (name) => [`/console/${name}`, { type: SCRIPT, body: page(name) }] as const,
  ),
]);

export function isForConsole(path: string): boolean {
  return path.startsWith('/console/') || FILES.has(path);
}

/** Answers the page and what its script asks for. Never throws. */
export async function answerConsole(
  message: IncomingMessage,
  response: ServerResponse,
  console: Console,
): Promise<void> {
  const send = (status: number, type: string, body: string | Buffer): void => {
    response.writeHead(status, {
      ...HEADERS,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  };
  const sendJson = (status: number, value: unknown) =>
    send(status, 'application/json', JSON.stringify(value));
  try {
    const { method = '', headers } = message;
    const url = new URL(message.url ?? '', `http://${headers.host}`);
    const file = FILES.get(url.pathname);
    if (file !== undefined && method === 'GET') return send(200, file.type, file.body);
    checkOrigin(message, url);
    switch (`${method} ${url.pathname}`) {
      case 'GET /console/account':
        return sendJson(200, { accountId: console.account().id });
      case 'GET /console/template':
        return sendJson(200, await console.describeTemplate(url.searchParams.get('url') ?? ''));
      case 'GET /console/stack': {
        const stack = console.findStack(url.searchParams.get('id') ?? '');
        if (stack === undefined) throw validationError('Stack does not exist');
        return sendJson(200, stack);
      }
      case 'POST /console/stacks':
        return sendJson(201, await console.createStack(await readAsked(message)));
      case 'DELETE /console/stack':
        return sendJson(202, console.deleteStack(url.searchParams.get('id') ?? ''));
      default:
        return sendJson(404, { code: 'NotFound', message: 'There is nothing here.' });
    }
  } catch (error) {
    const {
      status,
      code,
      message: text,
    } = error instanceof AwsError ? error : new AwsError(400, 'BadRequest', 'The request is not understood.');
    sendJson(status, { code, message: text });
  }
}

/** Other pages of the browser have no business here, nor names that somebody has lead to this machine. */
function checkOrigin({ headers }: IncomingMessage, url: URL): void {
  const isLocal = url.hostname === '127.0.0.1' || url.hostname === 'localhost';
  const isOwn = headers.origin === undefined || headers.origin === url.origin;
  if (!isLocal || !isOwn)
    throw new AwsError(403, 'AccessDenied', 'Only the page of the console may ask this.');
}

async function readAsked(message: IncomingMessage): Promise<AskedStack> {
  const { headers } = message;
  if (
    headers['content-type'] !== 'application/json' ||
    Number(headers['content-length'] ?? LARGEST_BODY + 1) > LARGEST_BODY
  ) {
    throw validationError('What is asked for has to be JSON of 64 KiB at most.');
  }
  const body: unknown = await json(message);
  const { region, stackName, templateUrl, parameters, capabilities } = isFields(body) ? body : {};
  if (
    typeof region !== 'string' ||
    typeof stackName !== 'string' ||
    typeof templateUrl !== 'string' ||
    !isFields(parameters) ||
    !Object.values(parameters).every((value) => typeof value === 'string') ||
    !Array.isArray(capabilities) ||
    !capabilities.every((value) => typeof value === 'string')
  ) {
    throw validationError('What is asked for is not complete.');
  }
  return { region, stackName, templateUrl, parameters: parameters as AskedStack['parameters'], capabilities };
}
