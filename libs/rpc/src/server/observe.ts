import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { requestIdKey } from '../caller/caller.ts';
import { DomainError, unavailable } from '../errors/domain-error.ts';
import { mapError } from '../errors/map-error.ts';
import type { Logger } from '../logging/logger.ts';

/** Header that carries the id of a request, in and out. */
export const REQUEST_ID_HEADER = 'x-request-id';

export interface RefusalSettings {
  readonly logger: Logger;
  /** Recognises the errors of a database that does not answer. */
  readonly isUnavailable: (error: unknown) => boolean;
}

/** The id that a request is known by: the caller's where it has a good form. */
export function requestIdOf(header: Headers, newRequestId: () => string): string {
  const given = header.get(REQUEST_ID_HEADER);
  return given !== null && /^[\w.:-]{1,64}$/.test(given) ? given : newRequestId();
}

/** Makes of what was thrown what the caller may see, and logs it. */
export function refuse(
  { logger, isUnavailable }: RefusalSettings,
  method: DescMethod,
  facts: { readonly request_id: string; readonly duration_ms: number },
  thrown: unknown,
): ConnectError {
  const known = !isMeant(thrown) && isUnavailable(thrown) ? databaseUnavailable(thrown) : thrown;
  const { error, unexpected } = mapError(known, packageOf(method.parent.typeName), facts.request_id);
  error.metadata.set(REQUEST_ID_HEADER, facts.request_id);
  const line = { ...facts, rpc: `${method.parent.typeName}/${method.name}`, code: error.code };
  if (unexpected) logger.error({ ...line, error: thrown }, 'failed');
  else logger.info({ ...line, reason: reasonOf(thrown) }, 'refused');
  return error;
}

/** Milliseconds to two digits, as they are logged. */
export function roundedMs(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

/**
 * The outermost layer of every RPC: gives it an id and a span, maps what it throws, and logs how it ended. Neither the
 * message nor the answer is ever looked at. OpenTelemetry's API costs nothing until a process registers its SDK.
 */
export function observe(
  settings: RefusalSettings & { readonly newRequestId: () => string; readonly now: () => number },
): Interceptor {
  const tracer = trace.getTracer('planton');

  return (next) => async (request) => {
    const { service, method } = request;
    const requestId = requestIdOf(request.header, settings.newRequestId);
    request.contextValues.set(requestIdKey, requestId);
    const started = settings.now();
    const facts = () => ({ request_id: requestId, duration_ms: roundedMs(settings.now() - started) });

    const parent = propagation.extract(context.active(), request.header, {
      get: (header, key) => header.get(key) ?? undefined,
      keys: (header) => [...header.keys()],
    });
    const attributes = {
      'rpc.system': 'connect_rpc',
      'rpc.service': service.typeName,
      'rpc.method': method.name,
    };
    const options = { kind: SpanKind.SERVER, attributes: { ...attributes, 'planton.request_id': requestId } };
    return tracer.startActiveSpan(`${service.typeName}/${method.name}`, options, parent, async (span) => {
      const refused = (thrown: unknown) => refuse(settings, method, facts(), thrown);
      try {
        const response = await next(request);
        response.header.set(REQUEST_ID_HEADER, requestId);
        if (response.stream) {
          const refuseAnswer = (thrown: unknown) =>
            refused(request.signal.aborted ? callerGone(thrown) : thrown);
          return { ...response, message: new ObservedStream(response.message, refuseAnswer) };
        }
        settings.logger.debug({ ...facts(), rpc: `${service.typeName}/${method.name}` }, 'answered');
        return response;
      } catch (thrown) {
        const error = refused(thrown);
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.setAttribute('rpc.connect_rpc.error_code', error.code);
        throw error;
      } finally {
        span.end();
      }
    });
  };
}

/**
 * The answers of a stream, with what their source throws mapped as for any other RPC. The span of a stream ends when the stream
 * begins: one that stays open for days would be held for days.
 */
class ObservedStream<T> implements AsyncIterableIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #refuse: (thrown: unknown) => Error;

  constructor(source: AsyncIterable<T>, refuse: (thrown: unknown) => Error) {
    this.#source = source[Symbol.asyncIterator]();
    this.#refuse = refuse;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T>> {
    try {
      return await this.#source.next();
    } catch (thrown) {
      throw this.#refuse(thrown);
    }
  }

  async return(): Promise<IteratorResult<T>> {
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  async throw(thrown: unknown): Promise<IteratorResult<T>> {
    if (!this.#source.throw) throw thrown;
    return this.#source.throw(thrown);
  }
}

/** What fails because nobody listens any more is nobody's fault. */
function callerGone(thrown: unknown): unknown {
  return isMeant(thrown) ? thrown : new ConnectError('the caller has gone', Code.Canceled);
}

/** Whether somebody has said already what it is: a handler, or a call to another service, whose lost connection is none to a database. */
function isMeant(thrown: unknown): boolean {
  return thrown instanceof DomainError || thrown instanceof ConnectError;
}

function databaseUnavailable(cause: unknown) {
  return unavailable('DATABASE_UNAVAILABLE', 'the database does not answer', {
    hint: 'try again in a moment; what was acknowledged is kept',
    cause,
  });
}

function packageOf(typeName: string): string {
  return typeName.slice(0, typeName.lastIndexOf('.'));
}

function reasonOf(thrown: unknown): string | undefined {
  const { reason } = Object(thrown);
  return typeof reason === 'string' ? reason : undefined;
}
