import type { TLSSocket } from 'node:tls';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';

/** Bytes of the largest message, either way. */
const MESSAGE_MAX_BYTES = 1024 * 1024;

/** One connection to the gateway. It is never opened again: the next is another. */
export interface GatewayConnection {
  readonly client: Client<typeof RunnerGateway>;
  /** Bytes that have come, answers to pings included: what does not grow has fallen silent. */
  bytesHeard(): number;
  close(): void;
}

/** How the connection is kept alive, in milliseconds. */
export interface PingTiming {
  readonly pingIntervalMs: number;
  readonly pingTimeoutMs: number;
}

/** Speaks HTTP/2 over a connection that is open, with pings. */
export function openConnection(
  socket: TLSSocket,
  address: string,
  { pingIntervalMs, pingTimeoutMs }: PingTiming,
): GatewayConnection {
  const baseUrl = `https://${address}`;
  let isTaken = false;
  const sessionManager = new Http2SessionManager(
    baseUrl,
    // A connection is never without the session's stream. Where one is, connect-node 2.2 would start a timer again whenever a stream
    // ends, on a connection that has ended too, and its ping throws where nobody can catch it.
    { pingIntervalMs, pingTimeoutMs, pingIdleConnection: false },
    {
      settings: { enablePush: false },
      createConnection: () => {
        if (isTaken) throw Object.assign(new Error('the connection has ended'), { code: 'ECONNRESET' });
        isTaken = true;
        return socket;
      },
    },
  );
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
    bytesHeard: () => socket.bytesRead,
    close: () => {
      sessionManager.abort();
      socket.destroy();
    },
  };
}
