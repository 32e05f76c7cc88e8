import {
  type ConnectRouter,
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type Transport,
} from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { actorTokenKey, requestIdKey } from '../caller/caller.ts';
import { ACTOR_HEADER } from '../server/admit.ts';
import { REQUEST_ID_HEADER } from '../server/observe.ts';
import { callInMemory } from './call-in-memory.ts';

/** The longest a call from one service to another may take, in milliseconds. */
const CALL_TIMEOUT_MS = 10_000;

/** The largest request that a service sends to another, in bytes: what that one reads at most. */
const WRITE_MAX_BYTES = 4 * 1024 * 1024;

/** The largest answer that a service accepts from another, in bytes. */
const READ_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Context for a call in the name of whoever the current request is carried out for. A call without it is made in the
 * service's own name.
 */
export function asActor(context: HandlerContext): ContextValues {
  return createContextValues()
    .set(actorTokenKey, context.values.get(actorTokenKey))
    .set(requestIdKey, context.values.get(requestIdKey));
}

export interface ServiceIdentity {
  /** The service's own access token, good for some time yet. Absent for calls that need none. */
  readonly token?: () => Promise<string>;
  /** Runs before every call; throws where no call may be made, such as inside a transaction. */
  readonly beforeCall: (what: string) => void;
}

/** Adds the service's own token, and the actor's where the call has one. */
function identify({ token, beforeCall }: ServiceIdentity): Interceptor {
  return (next) => async (request) => {
    beforeCall(`${request.service.typeName}/${request.method.name}`);
    if (token) request.header.set('authorization', `Bearer ${await token()}`);
    const actor = request.contextValues.get(actorTokenKey);
    if (actor !== undefined) request.header.set(ACTOR_HEADER, actor);
    const requestId = request.contextValues.get(requestIdKey);
    if (requestId !== '') request.header.set(REQUEST_ID_HEADER, requestId);
    return next(request);
  };
}

/** Reaches a service of the same process, through the same interceptors and with the same tokens as over the network. */
export function createMemoryTransport(
  routes: (router: ConnectRouter) => void,
  interceptors: Interceptor[],
  identity: ServiceIdentity,
): Transport {
  return callInMemory(routes, interceptors, identify(identity));
}

/** Reaches a service over the network: gRPC over HTTP/2, kept alive by pings. */
export function createNetworkTransport(baseUrl: string, identity: ServiceIdentity): Transport {
  return createGrpcTransport({
    baseUrl,
    interceptors: [identify(identity)],
    defaultTimeoutMs: CALL_TIMEOUT_MS,
    readMaxBytes: READ_MAX_BYTES,
    writeMaxBytes: WRITE_MAX_BYTES,
    pingIntervalMs: 10_000,
    pingIdleConnection: true,
    pingTimeoutMs: 5_000,
  });
}
