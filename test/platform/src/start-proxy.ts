import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A direction, from whoever dials. */
export type Direction = 'up' | 'down';

/** A TCP proxy that stands for the network, with its faults. */
export interface NetworkProxy {
  /** `HOST:PORT` to dial. */
  readonly address: string;
  /** Connections that are open. */
  connections(): number;
  /** Takes bytes and delivers none, in one direction or both, and lets nobody know; `undefined` heals connections made from now on. */
  swallow(direction: Direction | 'both' | undefined): void;
  /** Cuts every connection at once, after the next bytes of a direction where `afterBytes` is given: in the middle of a frame. */
  cut(afterBytes?: number): void;
  /** Where connections go from now on, in turns. */
  route(targets: readonly string[]): void;
  stop(): Promise<void>;
}

/** Listens on a free port of the loopback address and passes connections on to the targets in turns, skipping those that are dead. */
export async function startProxy(targets: readonly string[]): Promise<NetworkProxy> {
  let routes = [...targets];
  let turn = 0;
  let swallowing: Direction | 'both' | undefined;
  const pairs = new Set<{ destroy: () => void; cutAfter: (bytes: number) => void }>();

  const reach = async (): Promise<Socket | undefined> => {
    for (let tried = 0; tried < routes.length; tried++) {
      const target = routes[turn++ % routes.length] ?? '';
      const [host, port] = target.split(':');
      const socket = connect({ host: host ?? '', port: Number(port) });
      const reached = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      if (reached) return socket;
    }
    return undefined;
  };

  const join = (near: Socket, far: Socket) => {
    // A connection that was swallowed from once never recovers: bytes are missing.
    let lost: Direction | 'both' | undefined;
    let left = Number.POSITIVE_INFINITY;
    const destroy = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    const pair = {
      destroy,
      cutAfter: (bytes: number) => {
        left = bytes;
      },
    };
    pairs.add(pair);
    const pass = (from: Socket, to: Socket, direction: Direction) => {
      from.on('data', (bytes: Buffer) => {
        lost ??= swallowing;
        if (lost === 'both' || lost === direction) return;
        if (bytes.length >= left) {
          to.write(bytes.subarray(0, left), destroy);
          return;
        }
        left -= bytes.length;
        if (!to.write(bytes)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
      from.on('error', destroy);
      from.on('close', destroy);
    };
    pass(near, far, 'up');
    pass(far, near, 'down');
  };

  const server = createServer(async (near) => {
    near.on('error', () => near.destroy());
    near.pause();
    const far = await reach();
    if (!far || near.destroyed) {
      near.destroy();
      far?.destroy();
      return;
    }
    join(near, far);
    near.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    address,
    connections: () => pairs.size,
    swallow: (direction) => {
      swallowing = direction;
    },
    cut: (afterBytes) => {
      for (const pair of [...pairs]) {
        if (afterBytes === undefined) pair.destroy();
        else pair.cutAfter(afterBytes);
      }
    },
    route: (next) => {
      routes = [...next];
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const pair of [...pairs]) pair.destroy();
      }),
  };
}
