import { connect } from 'node:net';
import { SettingsRefused } from '@planton/rpc';
import { afterEach, expect, test } from 'vitest';
import { type HealthEndpoint, serveHealth } from './serve-health.ts';

let health: HealthEndpoint | undefined;
let isReady = false;
afterEach(async () => {
  await health?.close();
  health = undefined;
});

const statusOf = async (path: string, method = 'GET') =>
  (await fetch(`${health?.url}${path}`, { method })).status;

test('lives, and is ready while a session is open', async () => {
  health = await serveHealth('127.0.0.1:0', () => isReady);
  expect(await statusOf('/healthz')).toBe(200);
  expect(await statusOf('/readyz')).toBe(503);
  isReady = true;
  expect(await statusOf('/readyz?verbose')).toBe(200);
  expect(await statusOf('/readyz', 'HEAD')).toBe(200);
  expect(await statusOf('/')).toBe(404);
  expect(await statusOf('/healthz', 'POST')).toBe(405);
});

test('garbage does it no harm', async () => {
  health = await serveHealth('127.0.0.1:0', () => true);
  const { port } = new URL(health.url);
  for (const bytes of ['\0\0\0', 'GET / HTTP/9\r\n\r\n', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`]) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
      socket
        .on('error', () => {})
        .on('close', () => resolve())
        .resume();
    });
  }
  expect(await statusOf('/healthz')).toBe(200);
});

test.each(['8081', 'host', '127.0.0.1:70000', 'http://127.0.0.1:1'])('%s is no address', async (address) => {
  await expect(serveHealth(address, () => true)).rejects.toBeInstanceOf(SettingsRefused);
});

test('an address that is taken is named, with the flag', async () => {
  health = await serveHealth('127.0.0.1:0', () => true);
  const taken = new URL(health.url).host;
  await expect(serveHealth(taken, () => true)).rejects.toMatchObject({
    message: expect.stringContaining(`${taken} cannot be listened on (EADDRINUSE)`),
    hint: expect.stringContaining('--health-listen'),
  });
});
