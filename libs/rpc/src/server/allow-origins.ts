import { cors as connectHeaders } from '@connectrpc/connect';
import cors from 'cors';
import type { RequestHandler } from './listen.ts';
import { REQUEST_ID_HEADER } from './observe.ts';

/** Seconds for which a browser remembers what it may send. */
const PREFLIGHT_MAX_AGE_S = 7_200;

/**
 * Lets pages of other origins call RPCs, with a credential that they hold themselves: cookies are never taken for one, so nothing can be
 * done in the name of whoever merely looks at a page. Pages of the server's own are not shared with anybody.
 *
 * @param origins exact origins, such as `https://console.example.com`
 * @param isRpc whether a path is that of an RPC
 */
export function allowOrigins(
  origins: readonly string[],
  isRpc: (path: string) => boolean,
  handler: RequestHandler,
): RequestHandler {
  if (origins.length === 0) return handler;
  const share = cors({
    origin: [...origins],
    methods: [...connectHeaders.allowedMethods],
    allowedHeaders: [...connectHeaders.allowedHeaders, 'Authorization', REQUEST_ID_HEADER, 'Traceparent'],
    exposedHeaders: [...connectHeaders.exposedHeaders, REQUEST_ID_HEADER, 'Retry-After'],
    maxAge: PREFLIGHT_MAX_AGE_S,
    credentials: false,
  });
  return (request, response) => {
    if (!isRpc(request.url?.split('?', 1)[0] ?? '')) return handler(request, response);
    share(request, response, () => handler(request, response));
  };
}
