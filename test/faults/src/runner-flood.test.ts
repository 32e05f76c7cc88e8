import { connect } from 'node:http2';
import type { Socket } from 'node:net';
import type { RunnerCredentials } from '@planton/enrolment';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { costlyFrames, drip, type Flood, flood, recordClientHello, sendGarbage } from './flood.ts';
import { memoryOf, openFilesOf } from './measure-process.ts';
import { type RunnerWorld, startRunnerWorld } from './prepare-runners.ts';
import { waitUntil } from './wait-until.ts';

// Connections that are worth nothing, in numbers. The runner that was there before keeps its session and carries out operations
// meanwhile; afterwards nothing of it all is left.

let world: RunnerWorld;
let guest: RunnerCredentials;
let address: string;
let server: number;
let memory: number;
let files: number | undefined;
const floods: Flood[] = [];

const tls = () => ({ ca: guest.caBundle, cert: guest.certificate, key: guest.privateKey });
beforeAll(async () => {
  world = await startRunnerWorld();
  guest = await world.enrol('guest');
  address = world.platform.runnerAddress;
  server = world.platform.process()?.pid ?? 0;
  for (let i = 0; i < 50; i++) await world.pingGood();
  memory = await memoryOf(server);
  files = openFilesOf(server);
}, 120_000);
afterAll(async () => {
  for (const each of floods) each.stop();
  await world?.stop();
});

/** Pings until it is so, for as long as a busy machine may take. */
async function pingUntil(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 90_000;
  do {
    await world.pingGood();
    if (performance.now() > deadline) throw new Error('the server has not ended every connection');
    await new Promise((resolve) => setTimeout(resolve, 20));
  } while (!isSo());
}

describe.concurrent('the good runner carries out operations meanwhile, and the server ends', () => {
  const nothing = () => {};
  const first = (bytes: Buffer) => (socket: Socket) => void socket.write(bytes);
  const last = (bytes: Buffer) => (socket: Socket) => void socket.end(bytes);
  /** Does not read what is answered until much has been. */
  const deaf = (bytes: Buffer) => (socket: Socket) => {
    socket.pause();
    socket.write(bytes, () => setTimeout(() => socket.resume(), 2_000));
  };

  test.each<[string, (hello: Buffer) => Flood]>([
    ['1,000 connections of garbage', () => flood(address, 1_000, sendGarbage)],
    ['200 handshakes, byte by byte', (hello) => flood(address, 200, drip(hello, 100))],
    ['200 handshakes that nothing follows', (hello) => flood(address, 200, first(hello))],
    ['200 connections that say nothing', () => flood(address, 200, nothing)],
    ['200 that are half closed at once', () => flood(address, 200, last(Buffer.alloc(0)))],
    [
      '200 that are half closed within the handshake',
      (hello) => flood(address, 200, last(hello.subarray(0, 40))),
    ],
    ['50 of an instance that asks for nothing', () => flood(address, 50, nothing, tls())],
    ...Object.entries(costlyFrames).map(([name, bytes]): [string, () => Flood] => [
      `${name}, of an instance`,
      () => flood(address, 4, deaf(bytes), tls()),
    ]),
  ])(
    '%s',
    async (_name, start) => {
      const started = start(await recordClientHello());
      floods.push(started);
      await pingUntil(() => started.open() === 0);
    },
    120_000,
  );
});

test('headers that are too large are refused', async () => {
  const http2 = connect(`https://${address}`, tls());
  http2.on('error', () => {});
  const status = (headers: Record<string, string>) =>
    new Promise<unknown>((resolve) => {
      const stream = http2.request({ ':method': 'POST', ':path': '/', ...headers });
      stream.on('response', (answer) => resolve(answer[':status']));
      stream.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      stream.on('close', () => resolve('closed'));
      stream.resume();
      stream.end();
    });
  expect(await status({})).toBe(404);
  expect(await status({ 'x-large': 'x'.repeat(30_000) })).not.toBe(404);
  http2.destroy();
});

test('afterwards everything is as before', async () => {
  await world.pingGood();
  // It never lost its session.
  expect(world.good.log().match(/the session is open/g)).toHaveLength(1);
  if (files !== undefined) {
    const before = files;
    await waitUntil('the sockets are given back', () => (openFilesOf(server) ?? 0) <= before + 10);
  }
  // Node keeps pages for what comes next.
  await waitUntil(
    'the memory is in bounds',
    async () => (await memoryOf(server)) < memory + 256 * 1024 * 1024,
  );
  expect(world.platform.process()?.pid).toBe(server);
  const lines = world.platform.log().split('\n');
  expect(lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  // A flood of connections is no flood of the log.
  expect(lines.length).toBeLessThan(2_000);
}, 90_000);
