import { type ConnectionOptions, connect } from 'node:tls';

/** The beginning of every HTTP/2 connection, with empty SETTINGS. */
export const HTTP2_PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
/** The end of one: GOAWAY without an error. */
export const HTTP2_GOAWAY = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** How a connection went on until the other side ended it, or served it. */
export interface Outcome {
  /** Whether the other side said anything once the handshake was done, as an HTTP/2 server does at once. */
  readonly served: boolean;
  readonly protocol: string | null;
  readonly alpn: string | false | null;
  /** Code of the error; absent where the connection ended in good order. */
  readonly error?: string;
  /** What the other side offered to resume the session by. */
  readonly tickets: readonly Buffer[];
  /** Whether a session was resumed. */
  readonly reused: boolean;
}

/** Milliseconds: longer than the server lets anyone dawdle. */
const LIMIT_MS = 45_000;

/**
 * Shakes hands, says what an HTTP/2 client says first, and waits until the server answers it or ends the connection.
 *
 * @param address `HOST:PORT`
 */
export function dialTls(
  address: string,
  options: ConnectionOptions,
  first = HTTP2_PREFACE,
): Promise<Outcome> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const tickets: Buffer[] = [];
    let reused = false;
    let protocol: string | null = null;
    let error: string | undefined;
    const socket = connect({ host, port: Number(port), ALPNProtocols: ['h2'], ...options });
    const limit = setTimeout(() => {
      socket.destroy();
      reject(new Error('the server neither serves the connection nor ends it'));
    }, LIMIT_MS);
    const settle = (served: boolean) => {
      clearTimeout(limit);
      socket.destroy();
      const { alpnProtocol: alpn } = socket;
      resolve({ served, protocol, alpn, tickets, reused, ...(error === undefined ? {} : { error }) });
    };
    socket.on('secureConnect', () => {
      protocol = socket.getProtocol();
      reused = socket.isSessionReused();
      socket.write(first);
    });
    socket.on('session', (ticket: Buffer) => tickets.push(ticket));
    socket.on('data', () => settle(true));
    socket.on('error', (thrown: NodeJS.ErrnoException) => {
      error ??= thrown.code ?? thrown.message;
    });
    socket.on('close', () => settle(false));
  });
}
