import type { DescMethod, DescMethodStreaming, DescMethodUnary, Message } from '@bufbuild/protobuf';
import { type Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';

/** Milliseconds that any call may take on a busy machine. */
const LIMIT_MS = 30_000;

/** Calls that are under way at the same time. */
const CONCURRENCY = 24;

/** How a call ended. */
export interface Outcome {
  /** Undefined for an answer. */
  readonly code: Code | undefined;
  readonly reason: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** For a server that is called through `connectTo`: it takes the word of this machine for where a call comes from. */
export const behindProxy = { PLANTON_TRUSTED_PROXIES: '127.0.0.1' };

/** A transport of one HTTP/2 connection. Each call comes from an address of its own, so that no wrong credential makes the next ones wait. */
export function connectTo(server: string): Transport {
  let calls = 0;
  const fromElsewhere: Interceptor = (next) => (request) => {
    calls++;
    request.header.set('x-forwarded-for', `198.18.${(calls >> 8) & 255}.${calls & 255}`);
    return next(request);
  };
  return createConnectTransport({
    baseUrl: server,
    httpVersion: '2',
    useBinaryFormat: true,
    interceptors: [fromElsewhere],
  });
}

/** Calls an RPC of any kind; a stream as far as its first answer, and no further. Never rejects for what the server says. */
export async function callRpc(
  transport: Transport,
  method: DescMethod,
  message: Message,
  authorization: string | undefined,
): Promise<Outcome> {
  const headers = authorization === undefined ? {} : { authorization };
  const stop = new AbortController();
  try {
    if (method.methodKind === 'unary') {
      await transport.unary(method as DescMethodUnary, undefined, LIMIT_MS, headers, message as never);
    } else {
      const timer = setTimeout(() => stop.abort(), LIMIT_MS);
      const input = (async function* () {
        yield message;
      })();
      const { message: answers } = await transport.stream(
        method as DescMethodStreaming,
        stop.signal,
        undefined,
        headers,
        input as never,
      );
      for await (const _ of answers) break;
      clearTimeout(timer);
    }
    return { code: undefined, reason: '', message: '', metadata: {} };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const info = error.findDetails(ErrorInfoSchema)[0];
    return {
      code: error.code,
      reason: info?.reason ?? '',
      message: error.rawMessage,
      metadata: info?.metadata ?? {},
    };
  }
}

/** Carries out every case, some at a time; the answers in the order of the cases. */
export async function inParallel<Case, Answer>(
  cases: readonly Case[],
  carryOut: (each: Case) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < cases.length; at = next++) answers[at] = await carryOut(cases[at] as Case);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return answers;
}
