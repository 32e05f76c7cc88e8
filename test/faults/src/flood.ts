import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { HTTP2_PREFACE } from './dial-tls.ts';

/** Connections to let loose on an address. */
export interface Flood {
  /** Connections that the server has not ended yet. */
  open(): number;
  /** Codes of the errors that connections ended with, and how often. */
  readonly errors: ReadonlyMap<string, number>;
  stop(): void;
}

/**
 * Opens connections, all at once, and does to each what is said.
 *
 * @param address `HOST:PORT`
 * @param act what a connection says; it is told once it is there
 */
export function flood(
  address: string,
  count: number,
  act: (socket: Socket, index: number) => void,
  tls?: ConnectionOptions,
): Flood {
  const [host, port] = address.split(':');
  const errors = new Map<string, number>();
  const sockets = new Set<Socket>();
  for (let i = 0; i < count; i++) {
    const target = { host: host ?? '', port: Number(port) };
    const socket: Socket = tls
      ? connectTls({ ...target, ALPNProtocols: ['h2'], ...tls }, () => act(socket, i))
      : connectTcp({ ...target, allowHalfOpen: true }, () => act(socket, i));
    sockets.add(socket);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message;
      errors.set(code, (errors.get(code) ?? 0) + 1);
    });
    // What a half-open socket is told at the end of the other side.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  }
  return {
    open: () => sockets.size,
    errors,
    stop: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Bytes of any kind; every other one begins as TLS does. */
export function sendGarbage(socket: Socket, index: number): void {
  const bytes = randomBytes(1 + Math.floor(Math.random() * 4_000));
  if (index % 2 === 0) socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 200]), bytes]));
  else socket.write(bytes);
}

/** Sends bytes one at a time, for as long as the connection is there. */
export function drip(bytes: Buffer, everyMs: number): (socket: Socket) => void {
  return (socket) => {
    let at = 0;
    const dripping = setInterval(() => {
      if (at < bytes.length) socket.write(bytes.subarray(at, ++at));
    }, everyMs);
    socket.once('close', () => clearInterval(dripping));
  };
}

/** What a TLS client says first. */
export function recordClientHello(): Promise<Buffer> {
  const [near, far] = duplexPair();
  return new Promise((resolve) => {
    far.once('data', (bytes: Buffer) => {
      resolve(bytes);
      client.destroy();
    });
    const client = connectTls({ socket: near, servername: 'localhost', ALPNProtocols: ['h2'] });
    client.on('error', () => {});
  });
}

const frame = (type: number, flags: number, stream: number, payload: Buffer) => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};
const repeat = (bytes: Buffer, times: number) => Buffer.concat(Array.from({ length: times }, () => bytes));

const PING = frame(6, 0, 0, Buffer.alloc(8));
const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));
/** HEADERS that the other side waits for the rest of, and a part of the rest. */
const UNENDED_HEADERS = frame(1, 0, 1, Buffer.from([0x82]));
const CONTINUATION = frame(
  9,
  0,
  1,
  Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x7c]), Buffer.alloc(16_000, 0x78)]),
);

/** Requests, each taken back at once. */
const openAndReset = (times: number) =>
  Buffer.concat(
    Array.from({ length: times }, (_, index) => {
      const stream = 2 * index + 1;
      // `:method: POST`, `:scheme: https`, `:path: /`, `:authority: x`
      const headers = Buffer.from([0x83, 0x87, 0x84, 0x01, 0x01, 0x78]);
      return Buffer.concat([frame(1, 0x4, stream, headers), frame(3, 0, stream, Buffer.from([0, 0, 0, 8]))]);
    }),
  );

/** Frames of HTTP/2 that cost their receiver more than their sender, sent by one that never reads. */
export const costlyFrames = {
  'PING without end': Buffer.concat([HTTP2_PREFACE, repeat(PING, 200_000)]),
  'SETTINGS without end': Buffer.concat([HTTP2_PREFACE, repeat(SETTINGS, 200_000)]),
  'requests that are taken back, without end': Buffer.concat([HTTP2_PREFACE, openAndReset(50_000)]),
  'headers without end': Buffer.concat([HTTP2_PREFACE, UNENDED_HEADERS, repeat(CONTINUATION, 500)]),
} as const;
