import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type {
  UniversalClientFn,
  UniversalClientRequest,
  UniversalClientResponse,
} from '@connectrpc/connect/protocol';
import { ServerUnreachable } from '../errors/cli-error.ts';

/**
 * A client over HTTP/1.1 for Connect's transport. It is a fraction of what the library's own client for Node loads, which
 * matters to a program that starts for one call.
 */
export const httpClient: UniversalClientFn = async (request) => {
  const secure = request.url.startsWith('https:');
  const send = secure ? (await import('node:https')).request : httpRequest;
  const body = await collect(request.body);
  return new Promise((resolve, reject) => {
    const outgoing = send(
      request.url,
      {
        method: request.method,
        headers: { ...Object.fromEntries(request.header), 'content-length': body.length },
      },
      (incoming) => resolve(toResponse(request, incoming)),
    );
    outgoing.on('error', (error) => reject(unreachable(request, error)));
    abortWith(request.signal, outgoing);
    outgoing.end(body);
  });
};

/**
 * Not by the option for it: that hands its error to the socket, which ends the process where the answer is complete, though not read to
 * its end, and the socket was given back.
 */
function abortWith(signal: AbortSignal | undefined, outgoing: ClientRequest): void {
  const abort = () => outgoing.destroy();
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  outgoing.once('close', () => signal?.removeEventListener('abort', abort));
}

function toResponse(request: UniversalClientRequest, incoming: IncomingMessage): UniversalClientResponse {
  const header = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct))
    for (const value of values ?? []) header.append(name, value);
  return {
    status: incoming.statusCode ?? 0,
    header,
    body: chunks(request, incoming),
    trailer: new Headers(),
  };
}

async function* chunks(
  request: UniversalClientRequest,
  incoming: IncomingMessage,
): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of incoming) yield chunk;
  } catch (error) {
    throw unreachable(request, error);
  }
}

async function collect(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body ?? []) parts.push(part);
  return Buffer.concat(parts);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host could not be looked up',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  EPROTO: 'it does not speak TLS there; is it http?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted; name its CA in NODE_EXTRA_CA_CERTS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  HPE_INVALID_CONSTANT: 'it does not speak HTTP there',
};

/** An abort is the transport's own doing, a deadline: it passes as it is. */
function unreachable(request: UniversalClientRequest, error: unknown): unknown {
  if (request.signal?.aborted) return request.signal.reason ?? error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  return new ServerUnreachable(new URL(request.url).origin, reasons[code] ?? code, error);
}
