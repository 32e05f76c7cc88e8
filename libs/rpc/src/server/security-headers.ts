import type { HttpRequest, HttpResponse } from './http-route.ts';

/** A year, in seconds. */
const HSTS_MAX_AGE_S = 31_536_000;

const always: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * Sets what keeps browsers from making more of an answer than it is: a page states its own over these. Programs that speak gRPC make
 * nothing of them and get none.
 *
 * @param secure whether people reach the server over https, and only so from then on
 */
export function setSecurityHeaders(request: HttpRequest, response: HttpResponse, secure: boolean): void {
  if (isGrpc(request.headers['content-type'])) return;
  for (const [name, value] of Object.entries(always)) response.setHeader(name, value);
  if (secure) response.setHeader('strict-transport-security', `max-age=${HSTS_MAX_AGE_S}`);
}

function isGrpc(contentType: string | undefined): boolean {
  return (
    contentType?.startsWith('application/grpc') === true && !contentType.startsWith('application/grpc-web')
  );
}
