import { constants } from 'node:crypto';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { DescService } from '@bufbuild/protobuf';
import {
  type ConnectRouter,
  createConnectRouter,
  createContextValues,
  type Interceptor,
} from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { assertAccessRules } from '../access/access-rule.ts';
import { peerAddressKey } from '../caller/caller.ts';
import { tlsConnectionKey } from '../caller/tls-connection.ts';
import type { Logger } from '../logging/logger.ts';
import { admitConnections, type ConnectionLimits } from './admit-connections.ts';
import { explainListenError, type Listener, parseAddress } from './listen.ts';
import { Connection, type SilenceLimits, sweepConnections } from './watch-connections.ts';

/** The setting that the address comes from. */
const LISTEN_FLAG = '--runner-listen';

const SWEEP_INTERVAL_MS = 1_000;
const HANDSHAKE_SWEEP_INTERVAL_MS = 250;
/** Milliseconds between two lines about connections that were dropped, however many there are. */
const REPORT_INTERVAL_MS = 10_000;

/** The certificate that the server shows, and the authorities that clients' certificates have to be signed by, in PEM. */
export interface MutualTlsCertificates {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface MutualTlsLimits extends ConnectionLimits, SilenceLimits {
  /** The largest message that is read, in bytes. */
  readonly readMaxBytes: number;
  /** Requests at once on one connection. */
  readonly streams: number;
}

const defaultLimits: MutualTlsLimits = {
  connections: 25_000,
  unproved: 20_000,
  handshakes: 64,
  slowAfterMs: 500,
  handshakeMs: 10_000,
  pingAfterMs: 15_000,
  pingAnswerMs: 10_000,
  idleMs: 20_000,
  readMaxBytes: 256 * 1024,
  streams: 8,
};

export interface MutualTlsSettings {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly address: string;
  /** The services that `routes` registers; each of their RPCs has to demand a client certificate. */
  readonly services: readonly DescService[];
  readonly routes: (router: ConnectRouter) => void;
  /** Those of the guard. */
  readonly interceptors: Interceptor[];
  readonly tls: MutualTlsCertificates;
  readonly logger: Logger;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
  readonly limits?: Partial<MutualTlsLimits>;
}

export interface MutualTlsListener extends Listener {
  readonly port: number;
  /** Takes effect for the connections that come from now on. */
  setCertificates(tls: MutualTlsCertificates): void;
  /** Connections at once, and those among them whose handshake is not done. */
  counts(): { readonly connections: number; readonly unproved: number };
}

/**
 * Serves RPCs over HTTP/2 and TLS to whoever shows a certificate that one of the authorities signed, and to nobody else. What a
 * handler may know of the caller is `peerCertificateOf(context)`.
 *
 * Connections are never resumed: what was resumed would show the certificate of back then, and one that has been replaced or
 * has expired since would pass for the caller's.
 */
export async function serveMutualTls(settings: MutualTlsSettings): Promise<MutualTlsListener> {
  for (const service of settings.services) assertAccessRules(service, 'mutual_tls');
  const { host, port } = parseAddress(settings.address, LISTEN_FLAG);
  const { logger, monotonic } = settings;
  const limits = { ...defaultLimits, ...settings.limits };
  const connections = new Map<ServerHttp2Session, Connection>();
  const reasons = new Map<string, number>();
  const dropped = (reason: string) => void reasons.set(reason, (reasons.get(reason) ?? 0) + 1);

  const secure = createHttp2Server(settings, limits, connections);
  const admission = admitConnections({
    limits,
    now: monotonic,
    start: (socket) => secure.emit('connection', socket),
    dropped,
  });
  secure.on('secureConnection', (socket: TLSSocket) => admission.proved(socket));
  secure.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    dropped(String(socket.authorizationError || error.code || error.name));
    socket.destroy();
  });
  secure.on('unknownProtocol', (socket: TLSSocket) => socket.destroy());
  secure.on('session', (session: ServerHttp2Session) => {
    connections.set(session, new Connection(session, monotonic()));
    session.once('close', forgetSession);
  });
  function forgetSession(this: ServerHttp2Session) {
    connections.delete(this);
  }

  const front = createTcpServer({ noDelay: true }, admission.offer);
  await new Promise<void>((resolve, reject) => {
    front.once('error', (error: NodeJS.ErrnoException) =>
      reject(explainListenError(error, settings.address, LISTEN_FLAG)),
    );
    front.listen({ host, port, backlog: 4_096 }, resolve);
  });
  front.on('error', (error) => logger.error({ error }, 'the listener for runners failed'));
  const sweep = setInterval(
    () => sweepConnections(connections.values(), limits, monotonic()),
    SWEEP_INTERVAL_MS,
  );
  const handshakeSweep = setInterval(admission.sweep, HANDSHAKE_SWEEP_INTERVAL_MS);
  const report = setInterval(() => {
    if (reasons.size === 0) return;
    logger.info(
      { reasons: Object.fromEntries(reasons) },
      'connections to the listener for runners were dropped',
    );
    reasons.clear();
  }, REPORT_INTERVAL_MS);

  const bound = front.address() as AddressInfo;
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `https://${name}:${bound.port}`,
    port: bound.port,
    setCertificates: (tls) => secure.setSecureContext({ ...tls, ...secureContext }),
    counts: admission.counts,
    close: async (graceMs) => {
      clearInterval(report);
      const closed = new Promise<void>((resolve) => front.close(() => resolve()));
      for (const session of connections.keys()) session.close();
      const cutOff = setTimeout(admission.cutAll, graceMs);
      await closed;
      clearTimeout(cutOff);
      clearInterval(sweep);
      clearInterval(handshakeSweep);
    },
  };
}

/** What a new certificate does not change. */
const secureContext = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
} as const;

function createHttp2Server(
  settings: MutualTlsSettings,
  limits: MutualTlsLimits,
  connections: ReadonlyMap<ServerHttp2Session, Connection>,
): Http2SecureServer {
  const server = createSecureServer(
    {
      ...settings.tls,
      ...secureContext,
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
      allowHTTP1: false,
      handshakeTimeout: limits.handshakeMs,
      settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: 8 * 1024, enablePush: false },
      maxHeaderListPairs: 64,
      maxSessionMemory: 4,
      maxSessionInvalidFrames: 50,
      maxSessionRejectedStreams: 50,
      maxOutstandingPings: 4,
      unknownProtocolTimeout: 1_000,
    },
    answerRpcs(settings, limits, connections),
  );
  // An error of one connection is its own end; without a listener some would be the end of the process.
  server.on('sessionError', () => {});
  server.on('error', () => {});
  return server;
}

function answerRpcs(
  settings: MutualTlsSettings,
  limits: MutualTlsLimits,
  connections: ReadonlyMap<ServerHttp2Session, Connection>,
) {
  const router = createConnectRouter({
    interceptors: settings.interceptors,
    readMaxBytes: limits.readMaxBytes,
    grpcWeb: false,
  });
  settings.routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  const answer = async (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const { session } = request.stream;
    const connection = session && connections.get(session as ServerHttp2Session);
    const handler = handlers.get(request.url);
    if (!connection || !handler) {
      response.writeHead(404);
      response.end();
      return;
    }
    connection.requests += 1;
    response.once('close', () => {
      connection.requests -= 1;
    });
    const values = createContextValues()
      .set(peerAddressKey, request.socket.remoteAddress ?? '')
      .set(tlsConnectionKey, connection);
    const universal = universalRequestFromNodeRequest(request, response, undefined, values);
    await universalResponseToNodeResponse(await handler(universal), response);
  };

  return (request: Http2ServerRequest, response: Http2ServerResponse) => {
    // What a handler throws has been mapped and logged; what is left is a caller that has gone or speaks no HTTP.
    answer(request, response).catch(() => request.stream.destroy());
  };
}
