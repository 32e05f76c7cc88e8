import { clientAddressOf, type HttpRequest, type HttpResponse, type HttpRoute } from '@planton/rpc';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Deps } from '../deps.ts';
import { parseCallback } from './claim.ts';
import { takeCallback } from './take-callback.ts';
import { CALLBACK_PATH } from './trust-settings.ts';

const LARGEST_BODY = 8 * 1024;
const BODY_TIMEOUT_MS = 10_000;

/** A stack calls back a handful of times in its life. */
export interface CallbackLimits {
  /** From one address within a minute: behind a load balancer all come from one. */
  readonly perAddress: number;
  /** In all within a minute, which bounds what is remembered of addresses, too. */
  readonly total: number;
}

const defaultLimits: CallbackLimits = { perAddress: 60, total: 600 };

type Answer = readonly [status: number, body: object];

const heard: Answer = [200, { status: 'accepted' }];
/** The same for every reason: whoever guesses learns nothing. */
const refused: Answer = [403, { status: 'refused' }];
const malformed: Answer = [400, { status: 'malformed' }];
const tooLarge: Answer = [413, { status: 'too large' }];
const tooMany: Answer = [429, { status: 'too many requests' }];
const notNow: Answer = [503, { status: 'try again' }];

/** `POST /callbacks/aws/cloudformation`: whoever calls is nobody in particular, and has a token or nothing. */
export function serveCallback(
  deps: Pick<Deps, 'database' | 'newUid' | 'logger'>,
  limits: CallbackLimits = defaultLimits,
): HttpRoute {
  const total = new RateLimiterMemory({ points: limits.total, duration: 60 });
  const perAddress = new RateLimiterMemory({ points: limits.perAddress, duration: 60 });
  const isWithin = async (address: string): Promise<boolean> => {
    try {
      // An address that has had its share does not use up that of the others.
      const had = await perAddress.get(address);
      if (had && had.remainingPoints <= 0) return false;
      await total.consume('all');
      await perAddress.consume(address);
      return true;
    } catch {
      return false;
    }
  };

  const decide = async (request: HttpRequest): Promise<Answer> => {
    const address = clientAddressOf(request);
    if (!(await isWithin(address))) return tooMany;
    const body = await readBody(request);
    if (body === 'too large') return tooLarge;
    const callback = parseCallback(body);
    if (!callback) return malformed;
    return (await takeCallback(deps, callback, address)) ? heard : refused;
  };

  return {
    method: 'POST',
    path: CALLBACK_PATH,
    handle: async (request, response) => {
      try {
        answer(request, response, await decide(request));
      } catch (error) {
        deps.logger.warn({ error }, 'a callback could not be taken down');
        answer(request, response, notNow);
      }
    },
  };
}

function readBody(request: HttpRequest): Promise<Buffer | 'too large'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => reject(new Error('a callback did not come whole')), BODY_TIMEOUT_MS);
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BODY) return void chunks.push(chunk);
      request.pause();
      settle(() => resolve('too large'));
    });
    request.once('end', () => settle(() => resolve(Buffer.concat(chunks))));
    request.once('error', (error) => settle(() => reject(error)));
    request.once('close', () => settle(() => reject(new Error('a callback was broken off'))));
  });
}

function answer(request: HttpRequest, response: HttpResponse, [status, body]: Answer): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(status === 429 && { 'retry-after': '60' }),
  });
  // What is left of a body that nobody reads must neither be taken for the next request nor be waited for.
  const isCutOff = status === 413 || !request.complete;
  const text = JSON.stringify(body);
  if (!isCutOff) response.end(text);
  else if ('stream' in response) response.end(text, () => response.stream.close());
  else response.end(text, () => request.destroy());
}
