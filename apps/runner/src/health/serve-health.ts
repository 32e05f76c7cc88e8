import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SettingsRefused } from '@planton/rpc';

export interface HealthEndpoint {
  /** Such as `http://127.0.0.1:8081`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Answers `GET /healthz` while the process lives, and `GET /readyz` with 200 while it can be given work, else with 503. Says nothing
 * else to anyone.
 *
 * @param address `HOST:PORT`; an empty host is every interface, port 0 a free one
 * @throws SettingsRefused where it cannot listen there
 */
export async function serveHealth(address: string, isReady: () => boolean): Promise<HealthEndpoint> {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(portText);
  if (portText === undefined || port > 65_535)
    throw new SettingsRefused(
      `"${address}" is not an address`,
      '--health-listen takes HOST:PORT, such as 127.0.0.1:8081',
    );
  const server = createServer(
    { maxHeaderSize: 8 * 1024, headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      const answer = (status: number, text: string) =>
        response.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`);
      const path = request.url?.split('?')[0];
      if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, 'GET alone');
      else if (path === '/healthz') answer(200, 'ok');
      else if (path !== '/readyz') answer(404, '/healthz or /readyz');
      else if (isReady()) answer(200, 'ok');
      else answer(503, 'no session is open');
    },
  );
  server.maxConnections = 100;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new SettingsRefused(
          `${address} cannot be listened on (${error.code})`,
          'choose another address with --health-listen HOST:PORT',
        ),
      ),
    );
    server.listen({ port, host: bracketed ?? (plain || '0.0.0.0') }, resolve);
  });
  const bound = server.address() as AddressInfo;
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return {
    url: `http://${host}:${bound.port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
