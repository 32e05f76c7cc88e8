import { request as requestByHttp } from 'node:http';
import { request as requestByHttps } from 'node:https';
import type { Duplex } from 'node:stream';
import { codeOf, DialFailed } from './dial-failed.ts';

/** Bytes of what a proxy answers before the tunnel is open. */
const LONGEST_ANSWER = 16 * 1024;

/**
 * Has a proxy open a tunnel by CONNECT, with the user of the proxy's URL where it names one.
 *
 * @param proxy an http URL, or an https URL whose host has a certificate that this machine trusts
 * @param address `HOST:PORT` that the tunnel leads to
 * @throws DialFailed `proxy`; its message holds neither the user nor the password
 */
export function openTunnel(proxy: URL, address: string, signal: AbortSignal): Promise<Duplex> {
  const secure = proxy.protocol === 'https:';
  const where = `the proxy ${proxy.host}`;
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
  const fail = (code: string, message: string) => reject(new DialFailed('proxy', code, message, hint));
  const request = (secure ? requestByHttps : requestByHttp)({
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (secure ? 443 : 80),
    path: address,
    headers: { host: address, ...authorization(proxy) },
    agent: false,
    maxHeaderSize: LONGEST_ANSWER,
    rejectUnauthorized: true,
    signal,
  });
  request.once('connect', (response, socket, head) => {
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy();
      fail(`HTTP_${statusCode}`, `${where} refused a tunnel to ${address}: HTTP ${statusCode}`);
    } else if (head.length > 0) {
      // Whoever speaks TLS waits for the client.
      socket.destroy();
      fail('EPROTO', `${where} sent something before the tunnel to ${address} was used`);
    } else resolve(socket);
  });
  request.once('response', (response) => {
    response.destroy();
    fail(
      `HTTP_${response.statusCode}`,
      `${where} refused a tunnel to ${address}: HTTP ${response.statusCode}`,
    );
  });
  request.once('error', (error) => fail(codeOf(error), `${where} cannot be used: ${codeOf(error)}`));
  request.end();
  return promise;
}

const hint = 'look at HTTPS_PROXY and NO_PROXY where the runner starts, and at what the proxy allows';

function authorization({ username, password }: URL): { 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {};
  const user = `${decode(username)}:${decode(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that begins no escape stands for itself.
    return text;
  }
}
