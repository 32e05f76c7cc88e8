import { connect as connectHttp2 } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, type GrpcTransportOptions } from '@connectrpc/connect-node';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';

/** Bytes of the largest message, either way. */
const MESSAGE_MAX_BYTES = 1024 * 1024;

/** One connection to the gateway. It is never opened again: the next is another. */
export interface GatewayConnection {
  readonly client: Client<typeof RunnerGateway>;
  /** Ends it at once, with every call on it. */
  close(): void;
}

/** How the connection is kept alive, in milliseconds. */
export interface PingTiming {
  readonly pingIntervalMs: number;
  /** How long an answer may take before the connection counts as dead. */
  readonly pingTimeoutMs: number;
}

/**
 * Speaks HTTP/2 over a connection that is open. Pings it at an interval, whatever else is said, and ends it with all its calls when one is
 * not answered in time: that is how a network is noticed which swallows everything, or one way of it.
 *
 * The session manager of connect-node 2.2 is not used: aborted while a stream is open, it starts timers on a connection that has ended, and
 * what they throw nobody can catch.
 */
export function openConnection(socket: TLSSocket, address: string, timing: PingTiming): GatewayConnection {
  const baseUrl = `https://${address}`;
  const session = connectHttp2(baseUrl, {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  // Whoever waits for a call hears of it there.
  session.on('error', () => {});
  socket.on('error', () => {});
  let unanswered: NodeJS.Timeout | undefined;
  const ping = () => {
    if (session.destroyed || unanswered) return;
    unanswered = setTimeout(() => {
      session.destroy(Object.assign(new Error('a ping was not answered'), { code: 'ETIMEDOUT' }));
    }, timing.pingTimeoutMs);
    session.ping(() => {
      clearTimeout(unanswered);
      unanswered = undefined;
    });
  };
  const pinging = setInterval(ping, timing.pingIntervalMs);
  session.once('close', () => {
    clearInterval(pinging);
    clearTimeout(unanswered);
  });
  const sessionManager: NonNullable<GrpcTransportOptions['sessionManager']> = {
    authority: new URL(baseUrl).origin,
    request: async (method, path, headers, options) => {
      if (session.closed || session.destroyed)
        throw Object.assign(new Error('the connection has ended'), { code: 'ECONNRESET' });
      const stream = session.request({ ...headers, ':method': method, ':path': path }, options);
      // Errors can come before the caller listens.
      stream.on('error', () => {});
      return stream;
    },
    notifyResponseByteRead: () => {},
  };
  return {
    client: createClient(
      RunnerGateway,
      createGrpcTransport({
        baseUrl,
        sessionManager,
        readMaxBytes: MESSAGE_MAX_BYTES,
        writeMaxBytes: MESSAGE_MAX_BYTES,
        acceptCompression: [],
      }),
    ),
    close: () => {
      session.destroy();
      socket.destroy();
    },
  };
}
