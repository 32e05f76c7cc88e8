import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ContainerCredentialsDocument } from '@planton/aws';

/** A place on this machine that answers credentials to whoever knows the token. */
export interface Endpoint {
  readonly url: string;
  /** Value of the `Authorization` header. */
  readonly token: string;
  readonly close: () => Promise<void>;
}

const path = '/credentials';

/**
 * Serves credentials on the loopback interface, on a port that the system chooses, as AWS SDKs read them from a container
 * endpoint. Anything but GET of the one path with the token is refused, also a request under another host name, which a
 * page in a browser could have sent.
 */
export async function serveEndpoint(
  credentials: () => Promise<ContainerCredentialsDocument>,
  onFailure: (error: unknown) => void,
): Promise<Endpoint> {
  const token = randomBytes(32).toString('base64url');
  const server = createServer({
    maxHeaderSize: 8192,
    requestTimeout: 10_000,
    headersTimeout: 5_000,
    keepAliveTimeout: 1_000,
  });
  server.maxConnections = 256;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;

  server.on('request', (request, response) => {
    const refusal = refuse(request, host, token);
    if (refusal) {
      answer(response, refusal[0], { code: 'Refused', message: refusal[1] });
      return;
    }
    credentials().then(
      (document) => answer(response, 200, document),
      (error: unknown) => {
        onFailure(error);
        answer(response, 503, { code: 'NotRenewed', message: 'planton could not renew the credentials' });
      },
    );
  });
  return {
    url: `http://${host}${path}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function refuse(
  request: IncomingMessage,
  host: string,
  token: string,
): readonly [status: number, message: string] | undefined {
  if (request.headers.host !== host) return [403, 'unknown host'];
  if (!isEqual(request.headers.authorization ?? '', token)) return [401, 'the authorization token is wrong'];
  if (request.url !== path) return [404, 'there is nothing here'];
  if (request.method !== 'GET') return [405, 'only GET'];
  return undefined;
}

/** Compares digests, so that neither the content nor the length shows in the time. */
function isEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
