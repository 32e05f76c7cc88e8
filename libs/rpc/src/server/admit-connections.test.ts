import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Admission, admitConnections, type ConnectionLimits } from './admit-connections.ts';

const limits: ConnectionLimits = {
  connections: 100,
  unproved: 50,
  handshakes: 2,
  slowAfterMs: 500,
  handshakeMs: 10_000,
};
/** A record of the handshake, whole. */
const HELLO = Buffer.from([0x16, 3, 1, 0, 2, 1, 2]);

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('it did not come to be');
    await sleep(5);
  }
}

describe('connections that have proved nothing', () => {
  const open: { server: Server; clients: Socket[] }[] = [];
  afterEach(async () => {
    for (const { server, clients } of open.splice(0)) {
      for (const client of clients) client.destroy();
      server.close();
      await once(server, 'close');
    }
  });

  const start = async (given: Partial<ConnectionLimits> = {}) => {
    const clock = { now: 0 };
    const started: Socket[] = [];
    const heard: Buffer[] = [];
    const dropped: string[] = [];
    const clients: Socket[] = [];
    const admission: Admission = admitConnections({
      limits: { ...limits, ...given },
      now: () => clock.now,
      start: (socket) => {
        started.push(socket);
        heard.push(socket.read());
      },
      dropped: (reason) => dropped.push(reason),
    });
    const server = createServer(admission.offer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push({ server, clients });
    const knock = (...bytes: readonly Buffer[]) => {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      client.on('error', () => {});
      client.resume();
      clients.push(client);
      for (const part of bytes) client.write(part);
      return client;
    };
    return { admission, clock, started, heard, dropped, knock };
  };

  test('are worked on a few at a time, in order, each from its first byte', async () => {
    const { admission, started, heard, knock } = await start();
    for (let i = 0; i < 5; i++) {
      knock(Buffer.concat([HELLO, Buffer.from([i])]));
      await until(() => admission.counts().unproved === i + 1);
    }
    await until(() => started.length === 2);
    await sleep(50);
    expect(started).toHaveLength(2);
    for (let i = 0; i < 5; i++) {
      await until(() => started.length > i);
      const socket = started[i];
      if (socket) admission.proved(socket);
    }
    expect(heard.map((bytes) => bytes[7])).toEqual([0, 1, 2, 3, 4]);
    expect(admission.counts()).toEqual({ connections: 5, unproved: 0 });
  });

  test('that speak no TLS go at once; those that speak half a record keep nobody waiting', async () => {
    const { admission, started, dropped, knock } = await start();
    const garbage = knock(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await once(garbage, 'close');
    const huge = knock(Buffer.from([0x16, 3, 1, 255, 255]));
    await once(huge, 'close');
    expect(dropped).toEqual(['NOT_TLS', 'NOT_TLS']);
    for (let i = 0; i < 5; i++) knock(HELLO.subarray(0, 3 + (i % 4)));
    const late = knock(HELLO.subarray(0, 1));
    await until(() => admission.counts().unproved === 6);
    expect(started).toHaveLength(0);
    await sleep(20);
    late.write(HELLO.subarray(1));
    await until(() => started.length === 1);
  });

  test('that take too long give way to others, and go in the end', async () => {
    const { admission, clock, started, dropped, knock } = await start();
    for (let i = 0; i < 3; i++) knock(HELLO);
    await until(() => started.length === 2 && admission.counts().unproved === 3);
    clock.now += 501;
    admission.sweep();
    await until(() => started.length === 3);
    clock.now += 10_001;
    admission.sweep();
    expect(dropped).toEqual(['HANDSHAKE_TOO_SLOW', 'HANDSHAKE_TOO_SLOW']);
    await until(() => admission.counts().unproved === 1);
    admission.sweep();
    clock.now += 10_001;
    admission.sweep();
    await until(() => admission.counts().unproved === 0);
  });

  test('are not too many: the oldest that does nothing goes first, and no one more than there is place for comes in', async () => {
    const { admission, dropped, knock } = await start({ unproved: 3, connections: 4 });
    const oldest = knock();
    await until(() => admission.counts().unproved === 1);
    for (let i = 2; i <= 3; i++) {
      knock();
      await until(() => admission.counts().unproved === i);
    }
    const next = knock();
    await once(oldest, 'close');
    await until(() => admission.counts().unproved === 3);
    expect(next.destroyed).toBe(false);
    expect(dropped).toEqual(['TOO_MANY_HANDSHAKES']);
  });

  test('nor are connections as a whole', async () => {
    const { admission, started, dropped, knock } = await start({ connections: 2 });
    knock(HELLO);
    knock(HELLO);
    await until(() => started.length === 2);
    for (const socket of started) admission.proved(socket);
    await once(knock(HELLO), 'close');
    expect(dropped).toEqual(['TOO_MANY_CONNECTIONS']);
    expect(admission.counts()).toEqual({ connections: 2, unproved: 0 });
    admission.cutAll();
    await until(() => admission.counts().connections === 0);
  });
});
