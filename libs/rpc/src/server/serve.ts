import type { DescService } from '@bufbuild/protobuf';
import { type ConnectRouter, createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Health } from '@planton/api/grpc/health/v1/health';
import { ServerReflection } from '@planton/api/grpc/reflection/v1/reflection';
import { assertAccessRules } from '../access/access-rule.ts';
import { peerAddressKey } from '../caller/caller.ts';
import { DomainError } from '../errors/domain-error.ts';
import type { Limits } from '../limits/limits.ts';
import { allowOrigins } from './allow-origins.ts';
import { clientAddressOf, createAddressReader, noteClientAddress } from './client-address.ts';
import type { Guard } from './guard.ts';
import { healthRoutes } from './health.ts';
import { answerPlainly, type HttpRoute } from './http-route.ts';
import { type Listener, listen, type RequestHandler } from './listen.ts';
import { reflectionRoutes } from './reflection.ts';
import { setSecurityHeaders } from './security-headers.ts';

/** The largest request that is read, in bytes. */
const READ_MAX_BYTES = 4 * 1024 * 1024;

/** The longest time that a caller may set for a unary call, in milliseconds. */
const MAX_TIMEOUT_MS = 10 * 60_000;

/** How the server is reached from outside. */
export interface Edge {
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Origins whose pages may call RPCs, besides the server's own. */
  readonly corsOrigins: readonly string[];
  /** Whether people reach the server over https. */
  readonly secure: boolean;
}

const nothingInFront: Edge = { trustedProxies: [], corsOrigins: [], secure: false };

export interface ServeSettings {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The services that `routes` registers; each of their RPCs has to say who may call it. */
  readonly services: readonly DescService[];
  readonly routes: (router: ConnectRouter) => void;
  readonly guard: Pick<Guard, 'gate' | 'interceptors' | 'limits'>;
  readonly ready: () => Promise<boolean>;
  /** What `GET /readyz` says besides, a line each; nothing when absent. */
  readonly notes?: () => readonly string[];
  /** What is answered besides RPCs, such as callbacks; none when absent. */
  readonly http?: readonly HttpRoute[];
  /** Default: straight, over http. */
  readonly edge?: Edge;
}

/**
 * Serves RPCs (Connect, gRPC and gRPC-Web), health, reflection, `GET /healthz` (the process lives), `GET /readyz` (it can
 * answer) and the routes of the settings on one port.
 */
export async function serve(settings: ServeSettings): Promise<Listener> {
  const services = [...settings.services, Health, ServerReflection];
  for (const service of services) assertAccessRules(service, 'api');
  const names = settings.services.map((service) => service.typeName);
  const ready = joinCalls(settings.ready);

  const adapter = connectNodeAdapter({
    routes: (router) => {
      settings.routes(router);
      healthRoutes(names, ready)(router);
      reflectionRoutes([...settings.services, Health])(router);
    },
    requestGate: settings.guard.gate,
    interceptors: settings.guard.interceptors,
    readMaxBytes: READ_MAX_BYTES,
    maxTimeoutMs: MAX_TIMEOUT_MS,
    contextValues: (request) => createContextValues().set(peerAddressKey, clientAddressOf(request)),
    fallback: plainRoutes([
      ...healthPages(ready, settings.notes),
      ...(settings.http ?? []).map((route) => limited(route, settings.guard.limits)),
    ]),
  });
  const isRpc = (path: string) => services.some(({ typeName }) => path.startsWith(`/${typeName}/`));
  const edge = settings.edge ?? nothingInFront;
  const handler = allowOrigins(edge.corsOrigins, isRpc, adapter);
  const addressOf = createAddressReader(edge.trustedProxies);
  return listen(
    settings.address,
    (request, response) => {
      noteClientAddress(request, addressOf(request));
      setSecurityHeaders(request, response, edge.secure);
      handler(request, response);
    },
    settings.tls,
  );
}

/** Whoever asks while the answer is being found gets the same: strangers may ask as often as they like. */
function joinCalls<Answer>(call: () => Promise<Answer>): () => Promise<Answer> {
  let running: Promise<Answer> | undefined;
  return () => {
    running ??= call().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** The route, as often as an address may ask for it. */
function limited(route: HttpRoute, { requests }: Limits): HttpRoute {
  return {
    ...route,
    handle: async (request, response) => {
      const refused = await requests.countStranger(clientAddressOf(request)).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refused === undefined) return route.handle(request, response);
      const pauseMs = refused instanceof DomainError ? (refused.retryAfterMs ?? 0) : 0;
      response.setHeader('retry-after', String(Math.max(1, Math.ceil(pauseMs / 1000))));
      answerPlainly(response, 429, 'too many requests');
    },
  };
}

function healthPages(
  ready: () => Promise<boolean>,
  notes: () => readonly string[] = () => [],
): readonly HttpRoute[] {
  const isReady = () => ready().catch(() => false);
  return [
    { method: 'GET', path: '/healthz', handle: (_, response) => answerPlainly(response, 200, 'ok') },
    {
      method: 'GET',
      path: '/readyz',
      handle: async (_, response) =>
        (await isReady())
          ? answerPlainly(response, 200, ['ready', ...notes()].join('\n'))
          : answerPlainly(response, 503, 'not ready'),
    },
  ];
}

function plainRoutes(routes: readonly HttpRoute[]): RequestHandler {
  return async (request, response) => {
    const path = request.url?.split('?', 1)[0];
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const route = routes.find((each) => each.path === path && each.method === method);
    try {
      if (route) await route.handle(request, response);
      else answerPlainly(response, 404, 'there is nothing here');
    } catch {
      // Nobody is there any more to be answered; nothing may come of that.
      request.destroy();
    }
  };
}
