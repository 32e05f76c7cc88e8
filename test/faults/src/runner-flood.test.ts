import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { RunnerCredentials } from '@planton/enrolment';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { costlyFrames, drip, type Flood, flood, recordClientHello, sendGarbage } from './flood.ts';
import { memoryOf, openFilesOf } from './measure-process.ts';
import { OPEN_SESSION } from './open-raw-session.ts';
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
const release = (...given: Flood[]) => {
  floods.push(...given);
  return waitUntil('the server has ended every connection', () => given.every((each) => each.open() === 0));
};

beforeAll(async () => {
  world = await startRunnerWorld();
  guest = await world.enrol('guest');
  address = world.platform.runnerAddress;
  server = world.platform.process()?.pid ?? 0;
  for (let i = 0; i < 50; i++) await world.pingGood();
  memory = await memoryOf(server);
  files = openFilesOf(server);
}, 120_000);
beforeEach(() => world.pingGood());
afterAll(async () => {
  for (const each of floods) each.stop();
  await world?.stop();
});

/** Pings until the work is done; answers how often. */
async function pingDuring(work: Promise<unknown>): Promise<number> {
  let pings = 0;
  let done = false;
  const watched = work.finally(() => {
    done = true;
  });
  while (!done) {
    await world.pingGood();
    pings += 1;
  }
  await watched;
  return pings;
}

test('garbage, slow handshakes, silence and halves of connections at once', async () => {
  const hello = await recordClientHello();
  const nothing = () => {};
  const all = release(
    flood(address, 1_000, sendGarbage),
    flood(address, 200, drip(hello, 100)),
    // All of the hello, and then no answer to the server's.
    flood(address, 200, (socket) => void socket.write(hello)),
    flood(address, 200, nothing),
    flood(address, 200, (socket) => void socket.end()),
    flood(address, 200, (socket) => void socket.end(hello.subarray(0, 40))),
    // Who they are is known; what they want they do not say.
    flood(address, 20, nothing, tls()),
  );
  expect(await pingDuring(all)).toBeGreaterThan(5);
}, 120_000);

describe('HTTP/2 from a certified instance', () => {
  test.each(Object.entries(costlyFrames))(
    '%s',
    async (_name, bytes) => {
      const ended = release(
        flood(
          address,
          4,
          (socket) => {
            socket.pause();
            socket.write(bytes);
          },
          tls(),
        ),
      );
      expect(await pingDuring(ended)).toBeGreaterThan(0);
    },
    90_000,
  );

  test('streams that are opened and reset without end', async () => {
    const http2 = connect(`https://${address}`, tls());
    const closed = new Promise<void>((resolve) => http2.once('close', () => resolve()));
    http2.on('error', () => {});
    const resetting = (async () => {
      for (let i = 0; i < 200 && !http2.closed && !http2.destroyed; i++) await resetStreams(http2, 50);
      http2.close();
      await closed;
    })();
    expect(await pingDuring(resetting)).toBeGreaterThan(0);
  }, 90_000);

  test('headers that are too large are refused, and the connection goes on', async () => {
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
});

const resetStreams = (http2: ClientHttp2Session, count: number) =>
  Promise.all(
    Array.from({ length: count }, () => {
      const stream = http2.request({ ':method': 'POST', ':path': OPEN_SESSION });
      stream.on('error', () => {});
      const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
      stream.close(constants.NGHTTP2_CANCEL);
      return closed;
    }),
  );

test('afterwards everything is as before', async () => {
  await world.pingGood();
  // It never lost its session.
  expect(world.good.log().match(/the session is open/g)).toHaveLength(1);
  if (files !== undefined) {
    const before = files;
    await waitUntil('the sockets are given back', () => (openFilesOf(server) ?? 0) <= before + 10);
  }
  // Node keeps pages for what comes next; what is not bounded would be many times as much.
  await waitUntil(
    'the memory is in bounds',
    async () => (await memoryOf(server)) < 2 * memory + 128 * 1024 * 1024,
  );
  expect(world.platform.process()?.pid).toBe(server);
  const lines = world.platform.log().split('\n');
  expect(lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  // A flood of connections is no flood of the log.
  expect(lines.length).toBeLessThan(2_000);
}, 90_000);
