import { once } from 'node:events';
import { connect, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';

/** How a handshake ended on each side. */
export interface Handshake {
  /** Names of the client certificate that the server accepted. */
  readonly subjectAltName?: string;
  readonly commonName?: string;
  /** Why the server ended it. */
  readonly serverError?: string;
  /** Why the client ended it. */
  readonly clientError?: string;
}

/** A TLS handshake over loopback, with a server that wants a client certificate. */
export async function shakeHands(
  server: SecureContextOptions,
  client: SecureContextOptions,
  host = '127.0.0.1',
): Promise<Handshake> {
  const listener = createServer({
    ...server,
    requestCert: true,
    // So that the reason can be read; the gateway itself ends what is not authorised.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  });
  const serverEnd = new Promise<Handshake>((resolve) => {
    listener.on('secureConnection', (socket: TLSSocket) => {
      const { subjectaltname = '', subject } = socket.getPeerCertificate();
      const accepted = { subjectAltName: subjectaltname, commonName: String(subject?.CN) };
      resolve(socket.authorized ? accepted : { serverError: String(socket.authorizationError) });
      socket.on('error', () => {});
      socket.end();
    });
    listener.on('tlsClientError', (error) => resolve({ serverError: codeOf(error) }));
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');

  const socket = connect({
    ...client,
    host: '127.0.0.1',
    port: address.port,
    ...(host === '127.0.0.1' ? {} : { servername: host }),
  });
  const clientError = await new Promise<string | undefined>((resolve) => {
    socket.on('error', (error) => resolve(codeOf(error)));
    socket.on('secureConnect', () => socket.resume());
    socket.on('close', () => resolve(undefined));
  });
  const outcome = await serverEnd;
  socket.destroy();
  listener.close();
  return { ...outcome, ...(clientError === undefined ? {} : { clientError }) };
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : error.message;
}
