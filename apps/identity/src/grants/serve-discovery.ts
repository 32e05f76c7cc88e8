import type { HttpRoute } from '@planton/rpc';
import { json, send } from '../pages/exchange.ts';

/**
 * What the sign-in offers (RFC 8414), to whoever asks. None where the public URL has a path: then the document would have to be elsewhere,
 * where something else answers.
 */
export function serveDiscovery(
  publicUrl: string,
  offered: Readonly<Record<string, unknown>>,
): readonly HttpRoute[] {
  if (new URL(publicUrl).pathname !== '/') return [];
  const document = json(200, { issuer: publicUrl, ...offered });
  return [
    {
      method: 'GET',
      path: '/.well-known/oauth-authorization-server',
      handle: (request, response) => send(request, response, document),
    },
  ];
}
