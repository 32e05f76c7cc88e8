import type { ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { PeerCertificate, TlsConnection } from '../caller/tls-connection.ts';

/** How long a connection may be silent, in milliseconds. */
export interface SilenceLimits {
  /** Without a byte for this long, the other side is asked by an HTTP/2 PING whether it is there. */
  readonly pingAfterMs: number;
  /** It has this long to answer. */
  readonly pingAnswerMs: number;
  /** A connection that carries no request is closed after this long. */
  readonly idleMs: number;
}

/** PINGs sent by one sweep at most, so that thousands of connections that came together do not stay in step for ever. */
const PINGS_PER_SWEEP = 2_000;

/** A connection whose handshake is done. One small object each, and no timer. */
export class Connection implements TlsConnection {
  readonly session: ServerHttp2Session;
  /** Requests that it carries now. */
  requests = 0;
  /** When it last carried one, by the monotonic clock. */
  usedAt: number;
  heardAt: number;
  /** Bytes that had arrived at the last look. */
  bytesHeard = 0;
  /** When the PING that is not answered yet was sent; 0 for none. */
  pingedAt = 0;
  #certificate: PeerCertificate | undefined;

  constructor(session: ServerHttp2Session, now: number) {
    this.session = session;
    this.usedAt = now;
    this.heardAt = now;
  }

  get certificate(): PeerCertificate {
    this.#certificate ??= readCertificate(this.session.socket as TLSSocket);
    return this.#certificate;
  }

  cut(): void {
    const { session } = this;
    if (!session.destroyed) session.destroy();
  }
}

/** Reads the names and the times alone; the rest of a certificate is large. */
function readCertificate(socket: TLSSocket): PeerCertificate {
  const certificate = socket.authorized ? socket.getPeerX509Certificate?.() : undefined;
  if (!certificate) throw new Error('a connection without a verified certificate has carried a request');
  return {
    subjectAltName: certificate.subjectAltName ?? '',
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  };
}

/**
 * Finds the connections whose other side is gone without having said so, and those that nobody uses. One sweep looks after all.
 *
 * @param now the monotonic clock
 */
export function sweepConnections(
  connections: Iterable<Connection>,
  limits: SilenceLimits,
  now: number,
): void {
  let pings = PINGS_PER_SWEEP;
  for (const connection of connections) {
    const { session } = connection;
    if (session.destroyed) continue;
    const bytes = session.socket?.bytesRead ?? 0;
    if (bytes !== connection.bytesHeard) {
      connection.bytesHeard = bytes;
      connection.heardAt = now;
      connection.pingedAt = 0;
    }
    if (connection.requests > 0) connection.usedAt = now;
    const unused = now - connection.usedAt;
    if (unused > 2 * limits.idleMs) connection.cut();
    else if (unused > limits.idleMs && !session.closed) session.close();
    else if (connection.pingedAt !== 0) {
      if (now - connection.pingedAt > limits.pingAnswerMs) connection.cut();
    } else if (now - connection.heardAt > limits.pingAfterMs && pings > 0 && !session.closed) {
      pings -= 1;
      connection.pingedAt = now;
      session.ping(ignore);
    }
  }
}

/** The answer shows in the bytes that have arrived. */
function ignore(): void {}
