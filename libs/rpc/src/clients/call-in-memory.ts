import { create, type DescMethod, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
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
      const contextValues = createContextValues().set(deadlineKey, request.contextValues.get(deadlineKey));
      return await served({ ...request, contextValues });
    } catch (error) {
      throw asOverTheWire(error);
    }
  };
  const send = compose([outbound], receive);

  return {
    unary: (method, signal, timeoutMs, header, input, contextValues) =>
      withLimits(signal, timeoutMs, (limited) =>
        send({
          stream: false,
          service: method.parent,
          method,
          requestMethod: 'POST',
          url: `${URL_IN_MEMORY}/${method.parent.typeName}/${method.name}`,
          header: new Headers(header),
          contextValues: (contextValues ?? createContextValues()).set(deadlineKey, limited.deadline),
          signal: limited.signal,
          message: create(method.input, input),
        }),
      ) as Promise<UnaryResponse<never, never>>,
    stream: streams.stream,
  };
}

/** When the call ends at the latest, by the monotonic clock; undefined where nobody said. */
const deadlineKey = createContextKey<number | undefined>(undefined, { description: 'deadline' });

interface Limits {
  readonly signal: AbortSignal;
  readonly deadline: number | undefined;
}

/** Ends a call when its caller goes or its time is over, whatever the handler does. A call without either costs nothing. */
async function withLimits<Answer>(
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
  call: (limits: Limits) => Promise<Answer>,
): Promise<Answer> {
  if (signal?.aborted) throw new ConnectError('the caller has gone', Code.Canceled);
  const isTimed = timeoutMs !== undefined && timeoutMs > 0;
  const ending = new AbortController();
  if (!signal && !isTimed) return call({ signal: ending.signal, deadline: undefined });
  const ended = Promise.withResolvers<never>();
  const end = (error: ConnectError) => {
    ending.abort(error);
    ended.reject(error);
  };
  const leave = () => end(new ConnectError('the caller has gone', Code.Canceled));
  signal?.addEventListener('abort', leave);
  const timer = isTimed
    ? setTimeout(() => end(new ConnectError('the time is over', Code.DeadlineExceeded)), timeoutMs)
    : undefined;
  try {
    const deadline = isTimed ? performance.now() + timeoutMs : undefined;
    return await Promise.race([ended.promise, call({ signal: ending.signal, deadline })]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  }
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
    timeoutMs: () => {
      const deadline = request.contextValues.get(deadlineKey);
      return deadline === undefined ? undefined : deadline - performance.now();
    },
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
