import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface Callback {
  readonly url: string;
  /** What was posted, in order. */
  readonly bodies: readonly unknown[];
  stop(): Promise<void>;
}

/** The platform's endpoint for callbacks, which takes all there is. */
export async function startCallback(): Promise<Callback> {
  const bodies: unknown[] = [];
  const server = createServer((message: IncomingMessage, response) => {
    void json(message).then((body) => {
      bodies.push(body);
      response.end('{"status":"accepted"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks`,
    bodies,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
