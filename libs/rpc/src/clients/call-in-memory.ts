import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  createRouterTransport,
  type HandlerContext,
  type Interceptor,
  type Transport,
  type UnaryRequest,
  type UnaryResponse,
} from '@connectrpc/connect';

type UnaryImplementation = (message: never, context: HandlerContext) => unknown;
type UnaryCall = (request: UnaryRequest) => Promise<UnaryResponse>;

const URL_IN_MEMORY = 'https://in-memory';

/**
 * Calls services of the same process. A unary call passes the interceptors of both sides and is neither serialised nor
 * parsed, which is most of what a call in memory costs; a message belongs to nobody once it is sent. Streams take the library's
 * own way.
 *
 * @param inbound the interceptors of the services, outermost first
 * @param outbound the interceptor of the caller
 */
export function callInMemory(
  routes: (router: ConnectRouter) => void,
  inbound: readonly Interceptor[],
  outbound: Interceptor,
): Transport {
  const implementations = implementationsOf(routes);
  const streams = createRouterTransport(routes, {
    router: { interceptors: [...inbound] },
    transport: { interceptors: [outbound] },
  });

  const invoke: UnaryCall = async (request) => {
    const implementation = implementations.get(request.method);
    if (!implementation) throw new ConnectError(`${request.method.name} is not served`, Code.Unimplemented);
    const context = contextOf(request);
    const answer = await implementation(request.message as never, context);
    return {
      stream: false,
      service: request.service,
      method: request.method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message: create(request.method.output, answer as MessageInitShape<typeof request.method.output>),
    };
  };
  const served = compose(inbound, invoke);
  const receive: UnaryCall = async (request) => {
    try {
      // What the caller keeps in its context stays with the caller.
      return await served({ ...request, contextValues: createContextValues() });
    } catch (error) {
      throw asOverTheWire(error);
    }
  };
  const send = compose([outbound], receive);

  return {
    unary: (method, signal, _timeoutMs, header, input, contextValues) =>
      send({
        stream: false,
        service: method.parent,
        method,
        requestMethod: 'POST',
        url: `${URL_IN_MEMORY}/${method.parent.typeName}/${method.name}`,
        header: new Headers(header),
        contextValues: contextValues ?? createContextValues(),
        signal: signal ?? new AbortController().signal,
        message: create(method.input, input),
      }) as Promise<UnaryResponse<never, never>>,
    stream: streams.stream,
  };
}

function compose(interceptors: readonly Interceptor[], innermost: UnaryCall): UnaryCall {
  const call: ReturnType<Interceptor> = (request) => innermost(request as UnaryRequest);
  const composed = interceptors.reduceRight((next, interceptor) => interceptor(next), call);
  return (request) => composed(request) as Promise<UnaryResponse>;
}

function implementationsOf(routes: (router: ConnectRouter) => void): Map<DescMethod, UnaryImplementation> {
  const found = new Map<DescMethod, UnaryImplementation>();
  const router: ConnectRouter = {
    ...createConnectRouter(),
    service: (service, implementation) => {
      for (const method of service.methods) {
        const own = (implementation as Record<string, UnaryImplementation | undefined>)[method.localName];
        if (method.methodKind === 'unary' && own) found.set(method, own.bind(implementation));
      }
      return router;
    },
  };
  routes(router);
  return found;
}

function contextOf(request: UnaryRequest): HandlerContext {
  return {
    service: request.service,
    method: request.method,
    signal: request.signal,
    timeoutMs: () => undefined,
    requestMethod: request.requestMethod,
    requestHeader: request.header,
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    protocolName: 'memory',
    values: request.contextValues,
    url: request.url,
  };
}

/** An error as another process would see it: without its cause. */
function asOverTheWire(thrown: unknown): ConnectError {
  const error = ConnectError.from(thrown, Code.Internal);
  const shown = new ConnectError(error.rawMessage, error.code, error.metadata);
  shown.details = error.details;
  return shown;
}
