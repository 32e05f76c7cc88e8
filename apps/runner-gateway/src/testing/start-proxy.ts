import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be broken. */
export interface TestProxy {
  readonly port: number;
  /** From now on swallows whatever goes through, and takes connections that lead nowhere. */
  swallow(): void;
  /** Lets connections through again; those from before are reset, as by a network that has forgotten them. */
  restore(): void;
  close(): Promise<void>;
}

/** Listens on loopback and passes on what comes. */
export async function startProxy(target: number): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  let swallowing = false;
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    let dead = false;
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (bytes) => {
        dead ||= swallowing;
        if (!dead) to.write(bytes);
      });
      from.on('close', () => {
        sockets.delete(from);
        if (!dead) to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    swallow: () => {
      swallowing = true;
    },
    restore: () => {
      swallowing = false;
      for (const socket of sockets) socket.destroy();
    },
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
