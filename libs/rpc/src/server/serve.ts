import type { DescService } from '@bufbuild/protobuf';
import { type ConnectRouter, createContextValues, type Interceptor } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Health } from '@planton/api/grpc/health/v1/health';
import { ServerReflection } from '@planton/api/grpc/reflection/v1/reflection';
import { assertAccessRules } from '../access/access-rule.ts';
import { peerAddressKey } from '../caller/caller.ts';
import { healthRoutes } from './health.ts';
import { type Listener, listen, type RequestHandler } from './listen.ts';
import { reflectionRoutes } from './reflection.ts';

/** The largest request that is read, in bytes. */
const READ_MAX_BYTES = 4 * 1024 * 1024;

/** The longest time that a caller may set for a unary call, in milliseconds. */
const MAX_TIMEOUT_MS = 10 * 60_000;

export interface ServeSettings {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The services that `routes` registers; each of their RPCs has to say who may call it. */
  readonly services: readonly DescService[];
  readonly routes: (router: ConnectRouter) => void;
  readonly interceptors: Interceptor[];
  readonly ready: () => Promise<boolean>;
}

/**
 * Serves RPCs (Connect, gRPC and gRPC-Web), health, reflection, `GET /healthz` (the process lives) and `GET /readyz` (it can
 * answer) on one port.
 */
export async function serve(settings: ServeSettings): Promise<Listener> {
  const services = [...settings.services, Health, ServerReflection];
  for (const service of services) assertAccessRules(service, 'api');
  const names = settings.services.map((service) => service.typeName);

  const adapter = connectNodeAdapter({
    routes: (router) => {
      settings.routes(router);
      healthRoutes(names, settings.ready)(router);
      reflectionRoutes([...settings.services, Health])(router);
    },
    interceptors: settings.interceptors,
    readMaxBytes: READ_MAX_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    contextValues: (request) =>
      createContextValues().set(peerAddressKey, request.socket?.remoteAddress ?? ''),
    fallback: plainRoutes(settings.ready),
  });
  return listen(settings.address, adapter, settings.tls);
}

function plainRoutes(ready: () => Promise<boolean>): RequestHandler {
  return async (request, response) => {
    const path = request.url?.split('?', 1)[0];
    const answer = (status: number, text: string) => {
      response.writeHead(status, {
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
      });
      response.end(`${text}\n`);
    };
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (reads && path === '/healthz') answer(200, 'ok');
    else if (reads && path === '/readyz')
      (await ready().catch(() => false)) ? answer(200, 'ready') : answer(503, 'not ready');
    else answer(404, 'there is nothing here');
  };
}
