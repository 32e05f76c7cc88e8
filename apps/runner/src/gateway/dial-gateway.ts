import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { findProxy, type ProxyEnvironment, type RunnerCredentials } from '@planton/enrolment';
import { codeOf, DialFailed } from './dial-failed.ts';
import { openTunnel } from './open-tunnel.ts';

/** Milliseconds of silence after which TCP asks whether the other side is there. */
const KEEP_ALIVE_MS = 30_000;

export interface DialSettings {
  readonly credentials: Pick<RunnerCredentials, 'gatewayAddress' | 'privateKey' | 'certificate' | 'caBundle'>;
  readonly proxyEnv: ProxyEnvironment;
  /** Milliseconds until the connection has to be there, proxy and TLS included. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/**
 * Connects to the gateway with TLS, through a proxy where the environment names one. Shows the instance's certificate; the gateway has to
 * show one for its host that an authority of the bundle signed. No other authority counts, and nothing turns the check off.
 *
 * @throws DialFailed
 */
export async function dialGateway(settings: DialSettings): Promise<TLSSocket> {
  const { credentials, limitMs } = settings;
  const { host, port } = splitAddress(credentials.gatewayAddress);
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([settings.signal, limit]);
  try {
    const proxy = proxyFor(host, port, settings.proxyEnv);
    const raw = proxy
      ? await openTunnel(proxy, credentials.gatewayAddress, signal)
      : await connectDirectly(host, port, signal);
    return await secure(raw, host, settings, signal);
  } catch (error) {
    if (!limit.aborted) throw error;
    throw new DialFailed(
      'network',
      'ETIMEDOUT',
      `${credentials.gatewayAddress} did not answer within ${limitMs / 1_000} s`,
      'let the runner reach it through the firewall, or set HTTPS_PROXY',
    );
  }
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

function proxyFor(host: string, port: number, env: ProxyEnvironment): URL | undefined {
  try {
    return findProxy({ host, port, tls: true }, env);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'the proxy cannot be used';
    throw new DialFailed('proxy', 'EINVAL', message, 'write it as http://proxy.example.com:3128');
  }
}

async function connectDirectly(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  });
  try {
    await whenEither(socket, 'connect', signal);
    return socket;
  } catch (error) {
    socket.destroy();
    const code = codeOf(error);
    throw new DialFailed(
      'network',
      code,
      `${host}:${port} cannot be reached (${code})`,
      code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? `the name ${host} is not known here: look at DNS`
        : 'look whether the gateway runs, and let the runner reach it through the firewall or HTTPS_PROXY',
    );
  }
}

async function secure(
  raw: Duplex,
  host: string,
  { credentials }: DialSettings,
  signal: AbortSignal,
): Promise<TLSSocket> {
  let socket: TLSSocket;
  try {
    socket = connectTls({
      socket: raw,
      host,
      ...(isIP(host) ? {} : { servername: host }),
      ca: credentials.caBundle,
      cert: credentials.certificate,
      key: credentials.privateKey,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['h2'],
      // NODE_TLS_REJECT_UNAUTHORIZED changes the default of this, and nothing else.
      rejectUnauthorized: true,
    });
  } catch (error) {
    raw.destroy();
    throw new DialFailed(
      'credentials',
      codeOf(error),
      'the certificate or the key of the credentials cannot be used',
      'make new credentials with: planton runner register --name NAME --yes',
    );
  }
  try {
    await whenEither(socket, 'secureConnect', signal);
    if (socket.alpnProtocol !== 'h2') throw Object.assign(new Error('no HTTP/2'), { code: 'ERR_NO_HTTP2' });
    return socket;
  } catch (error) {
    socket.destroy();
    raw.destroy();
    throw explainTls(error, host);
  }
}

function explainTls(error: unknown, host: string): DialFailed {
  const code = codeOf(error);
  const failed = (message: string, hint: string, stage: 'gateway' | 'network' = 'gateway') =>
    new DialFailed(stage, code, message, hint);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return failed(
      `the certificate of ${host} is not valid at ${new Date().toISOString()}, which is the time here (${code})`,
      'set the clock of this machine and keep it right with NTP; timedatectl shows it',
    );
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return failed(
      `the certificate of what answers at ${host} is for another host`,
      'set --runner-public-address of the server to the host that runners dial',
    );
  if (code === 'ERR_NO_HTTP2')
    return failed(`what answers at ${host} does not speak HTTP/2`, 'load balancers have to pass TLS through');
  if (/^(EPROTO|ERR_SSL_)/.test(code))
    return failed(
      `what answers at ${host} does not speak TLS as the gateway does (${code})`,
      'look at the address',
    );
  if (/SELF_SIGNED|UNABLE_TO|CERT|INVALID_PURPOSE|INVALID_CA|^ERR_TLS_/.test(code))
    return failed(
      `the certificate of what answers at ${host} is not signed by an authority of the platform (${code})`,
      'load balancers and inspecting proxies have to pass TLS through to the gateway',
    );
  return failed(
    `the connection to ${host} ended during the handshake (${code})`,
    'look whether the gateway runs, and at the load balancer before it',
    'network',
  );
}

/** Waits for an event; an error, an early end and the signal reject. */
function whenEither(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off(event, onEvent).off('error', onError).off('close', onClose);
      signal.removeEventListener('abort', onAbort);
      act();
    };
    const onEvent = () => settle(resolve);
    const onError = (error: Error) => settle(() => reject(error));
    const onClose = () => onError(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    const onAbort = () => onError(Object.assign(new Error('aborted'), { code: 'ABORT_ERR' }));
    socket.once(event, onEvent).once('error', onError).once('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}
