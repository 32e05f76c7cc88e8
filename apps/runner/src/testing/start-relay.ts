import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay that can be made to fail as networks do. */
export interface Relay {
  /** `HOST:PORT`. */
  readonly address: string;
  /** Connections that were taken. */
  connections(): number;
  /** Bytes are swallowed from now on, either way, and the connections stay open: a network that went away. */
  freeze(): void;
  /** Only what the target sends is swallowed. */
  freezeAnswers(): void;
  /** New connections work again. */
  thaw(): void;
  /** Ends every connection. */
  cut(): void;
  stop(): Promise<void>;
}

export async function startRelay(target: string): Promise<Relay> {
  const [host = '', port = ''] = target.split(':');
  const pairs = new Set<Socket>();
  let taken = 0;
  let mode: 'open' | 'answers' | 'all' = 'open';
  const pass = (from: Socket, to: Socket, isAnswer: boolean) => {
    let isFrozen = false;
    from.on('data', (chunk) => {
      isFrozen ||= mode === 'all' || (mode === 'answers' && isAnswer);
      if (!isFrozen) to.write(chunk);
    });
    from.on('close', () => to.destroy());
    from.on('error', () => to.destroy());
  };
  const server = createServer((near) => {
    taken += 1;
    const far = connect(Number(port), host);
    pairs.add(near).add(far);
    near.on('close', () => pairs.delete(near) && pairs.delete(far));
    pass(near, far, false);
    pass(far, near, true);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of pairs) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => taken,
    freeze: () => {
      mode = 'all';
    },
    freezeAnswers: () => {
      mode = 'answers';
    },
    thaw: () => {
      mode = 'open';
    },
    cut,
    stop: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
