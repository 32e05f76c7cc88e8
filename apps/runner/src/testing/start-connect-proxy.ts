import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** An HTTP proxy that opens tunnels by CONNECT. */
export interface ConnectProxy {
  readonly url: string;
  /** What was asked for, oldest first: target and `proxy-authorization`. */
  readonly requests: { readonly target: string; readonly authorization: string | undefined }[];
  stop(): Promise<void>;
}

export interface ConnectProxyOptions {
  /** Serves TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Answers a request itself instead of opening a tunnel. */
  readonly answer?: (socket: Duplex, request: IncomingMessage) => void;
}

export async function startConnectProxy({ tls, answer }: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const requests: ConnectProxy['requests'] = [];
  const sockets = new Set<Duplex>();
  const server = tls ? createHttpsServer(tls) : createHttpServer();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('connect', (request, near) => {
    requests.push({ target: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    near.on('error', () => {});
    if (answer) return answer(near, request);
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const far = connect(Number(port), host, () => near.write('HTTP/1.1 200 OK\r\nvia: test\r\n\r\n'));
    sockets.add(far);
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
