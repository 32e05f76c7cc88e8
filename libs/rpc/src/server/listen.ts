import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { connectNodeAdapter } from '@connectrpc/connect-node';

/** A handler for requests of either HTTP version. */
export type RequestHandler = ReturnType<typeof connectNodeAdapter>;

export interface Listener {
  /** Where the server is reached, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Stops accepting, lets what is under way finish for at most this long, then cuts it off. */
  close(graceMs: number): Promise<void>;
}

/** The beginning of every HTTP/2 connection (RFC 9113, section 3.4). */
const HTTP2_PREFACE = 'PRI ';

/** The setting that the address comes from. */
const LISTEN_FLAG = '--listen';

/** Milliseconds between two looks for connections that became idle while the server drains. */
const SWEEP_INTERVAL_MS = 50;

/** Milliseconds that a connection may take to say what it speaks. */
const FIRST_BYTES_TIMEOUT_MS = 10_000;

const limits = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 60_000,
  maxHeaderSize: 32 * 1024,
} as const;

const http2Limits = {
  settings: { maxConcurrentStreams: 1000, maxHeaderListSize: 32 * 1024 },
  maxSessionMemory: 64,
} as const;

/** Thrown when the address cannot be listened on; the message says why and what to do. */
export class ListenFailed extends Error {}

/**
 * Listens on one port for HTTP/1.1 and HTTP/2: with a certificate by ALPN, without one by looking at the first bytes, so
 * that browsers and gRPC clients share the port.
 *
 * @param address `HOST:PORT`; port 0 takes a free one
 */
export async function listen(
  address: string,
  handler: RequestHandler,
  tls?: { readonly cert: string; readonly key: string },
): Promise<Listener> {
  const { host, port } = parseAddress(address, LISTEN_FLAG);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  const servers = tls ? secureServer(handler, tls) : plainServer(handler);
  for (const server of servers.http2) {
    server.on('session', (session: ServerHttp2Session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
  }
  servers.front.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  await new Promise<void>((resolve, reject) => {
    servers.front.once('error', (error: NodeJS.ErrnoException) =>
      reject(explainListenError(error, address, LISTEN_FLAG)),
    );
    servers.front.listen({ host, port }, resolve);
  });
  const bound = servers.front.address() as AddressInfo;
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;

  return {
    url: `${tls ? 'https' : 'http'}://${name}:${bound.port}`,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => servers.front.close(() => resolve()));
      for (const session of sessions) session.close();
      servers.closeIdle();
      const sweep = setInterval(servers.closeIdle, SWEEP_INTERVAL_MS);
      const cutOff = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(cutOff);
      servers.end();
    },
  };
}

interface Servers {
  readonly front: Server;
  readonly http2: readonly Pick<NodeJS.EventEmitter, 'on'>[];
  /** Closes HTTP/1.1 connections that wait for their next request. */
  readonly closeIdle: () => void;
  readonly end: () => void;
}

function secureServer(
  handler: RequestHandler,
  tls: { readonly cert: string; readonly key: string },
): Servers {
  const server = createSecureServer(
    { ...limits, ...http2Limits, ...tls, allowHTTP1: true, minVersion: 'TLSv1.2' },
    handler,
  );
  return { front: server, http2: [server], closeIdle: () => {}, end: () => {} };
}

function plainServer(handler: RequestHandler): Servers {
  const http1 = createHttpServer(limits, handler);
  // It listens through `front`; the event starts its watch over slow and idle connections.
  http1.emit('listening');
  const http2 = createHttp2Server(http2Limits, handler);
  const front = createTcpServer((socket) => {
    socket.setTimeout(FIRST_BYTES_TIMEOUT_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.once('readable', () => {
      const first: Buffer | null = socket.read();
      if (!first) return;
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      socket.unshift(first);
      const speaksHttp2 = first.subarray(0, HTTP2_PREFACE.length).toString('latin1') === HTTP2_PREFACE;
      (speaksHttp2 ? http2 : http1).emit('connection', socket);
    });
  });
  return { front, http2: [http2], closeIdle: () => http1.closeIdleConnections(), end: () => http1.close() };
}

/**
 * Reads `HOST:PORT`; an empty host is every interface.
 *
 * @param flag the setting that the address comes from, for the message of what is thrown
 */
export function parseAddress(address: string, flag: string): { host: string; port: number } {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  const port = Number(parts?.[3]);
  if (!parts || port > 65_535) {
    throw new ListenFailed(
      `"${address}" is not an address to listen on; write ${flag} HOST:PORT, such as 127.0.0.1:8080`,
    );
  }
  return { host: parts[1] ?? (parts[2] || '0.0.0.0'), port };
}

/** Says what to do about a listener that does not open. */
export function explainListenError(error: NodeJS.ErrnoException, address: string, flag: string): Error {
  if (error.code === 'EADDRINUSE') {
    return new ListenFailed(
      `${address} is in use by another program; choose another with ${flag} HOST:PORT`,
      {
        cause: error,
      },
    );
  }
  if (error.code === 'EACCES' || error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new ListenFailed(
      `cannot listen on ${address} (${error.code}); choose another with ${flag} HOST:PORT`,
      { cause: error },
    );
  }
  return error;
}
