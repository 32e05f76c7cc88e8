import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { isServer } from '../credentials/credentials.ts';
import { EnrolmentError } from '../errors/enrolment-error.ts';
import { findProxy, type ProxyEnvironment } from '../proxy/find-proxy.ts';

/** Bytes of the largest answer. */
const READ_MAX_BYTES = 1024 * 1024;

/**
 * Reaches the API where a runner enrols: over HTTP/1.1, which every proxy and load balancer passes on, through the proxy of the
 * environment where there is one.
 *
 * @throws EnrolmentError `SERVER_INVALID` or `PROXY_INVALID`
 */
export function createServerTransport(server: string, env: ProxyEnvironment): Transport {
  if (!isServer(server))
    throw new EnrolmentError('refused', 'SERVER_INVALID', 'the server is not an http or https URL', {
      hint: 'set PLANTON_SERVER to something like https://planton.example.com',
    });
  const baseUrl = server.replace(/\/+$/, '');
  const { hostname, port, protocol } = new URL(baseUrl);
  const tls = protocol === 'https:';
  const proxy = proxyFor({ host: hostname, port: Number(port) || (tls ? 443 : 80), tls }, env);
  const agent = tls
    ? new HttpsAgent(proxy ? { proxyEnv: { HTTPS_PROXY: proxy } } : {})
    : new HttpAgent(proxy ? { proxyEnv: { HTTP_PROXY: proxy } } : {});
  return createConnectTransport({
    baseUrl,
    httpVersion: '1.1',
    readMaxBytes: READ_MAX_BYTES,
    nodeOptions: { agent },
  });
}

function proxyFor(
  target: { readonly host: string; readonly port: number; readonly tls: boolean },
  env: ProxyEnvironment,
): string | undefined {
  try {
    return findProxy(target, env)?.href;
  } catch (error) {
    throw new EnrolmentError(
      'refused',
      'PROXY_INVALID',
      error instanceof Error ? error.message : 'no proxy',
      {
        hint: 'write it as http://proxy.example.com:3128',
      },
    );
  }
}
