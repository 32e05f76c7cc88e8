import { type ConnectRouter, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestPlatform, type TestPlatform } from '../testing/index.ts';
import { answerPlainly } from './http-route.ts';
import type { Listener } from './listen.ts';
import { serve } from './serve.ts';

const CONSOLE = 'https://console.example.com';
const PATH = '/planton.config.v1.ConfigManager/GetSecret';
let platform: TestPlatform;
let listener: Listener;

beforeAll(async () => {
  platform = await createTestPlatform();
  listener = await serve({
    address: '127.0.0.1:0',
    services: [ConfigManager],
    routes: (router: ConnectRouter) => router.service(ConfigManager, { getSecret: () => ({}) }),
    guard: platform.guard,
    ready: async () => true,
    http: [
      {
        method: 'GET',
        path: '/page',
        handle: (_request, response) => {
          response.setHeader('referrer-policy', 'same-origin');
          answerPlainly(response, 200, 'a page');
        },
      },
    ],
    edge: { trustedProxies: [], corsOrigins: [CONSOLE], secure: true },
  });
});
afterAll(() => listener.close(0));

const ask = (method: string, origin: string, path = PATH, headers: Readonly<Record<string, string>> = {}) =>
  fetch(listener.url + path, {
    method,
    headers: { origin, ...headers },
    ...(method === 'POST' && { body: JSON.stringify({ org: 'acme', slug: 'x' }) }),
  });
const preflight = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization,connect-protocol-version,content-type',
};
const allowed = (response: Response) => response.headers.get('access-control-allow-origin');

describe('a page of another origin', () => {
  test('that is named may send what the protocol and a credential need', async () => {
    const response = await ask('OPTIONS', CONSOLE, PATH, preflight);
    expect(response.status).toBe(204);
    expect(allowed(response)).toBe(CONSOLE);
    expect(response.headers.get('vary')).toContain('Origin');
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
    expect(response.headers.get('access-control-allow-methods')?.split(',')).toContain('POST');
    const headers = (response.headers.get('access-control-allow-headers') ?? '').toLowerCase();
    for (const name of preflight['access-control-request-headers'].split(','))
      expect(headers).toContain(name);
  });

  test('that is named reads answers and refusals, with the id of the request', async () => {
    const token = await platform.tokenFor({ org: { uid: 'o', slug: 'acme' }, role: 'viewer' });
    const json = { 'content-type': 'application/json' };
    const answered = await ask('POST', CONSOLE, PATH, { ...json, authorization: `Bearer ${token}` });
    expect([answered.status, allowed(answered)]).toEqual([200, CONSOLE]);
    expect(answered.headers.get('access-control-expose-headers')?.toLowerCase()).toContain('x-request-id');
    const refused = await ask('POST', CONSOLE, PATH, json);
    expect([refused.status, allowed(refused)]).toEqual([401, CONSOLE]);
  });

  test.each([
    'https://console.example.com.evil.test',
    'https://evil.test',
    'http://console.example.com',
    'https://console.example.com:8443',
    'https://CONSOLE.example.com',
    'null',
  ])('%s may nothing', async (origin) => {
    for (const method of ['OPTIONS', 'POST']) {
      const response = await ask(method, origin, PATH, preflight);
      expect(allowed(response)).toBeNull();
      expect(response.headers.get('vary')).toContain('Origin');
    }
  });

  test('gets nothing shared that is no RPC', async () => {
    expect(allowed(await ask('GET', CONSOLE, '/page'))).toBeNull();
    expect(allowed(await ask('OPTIONS', CONSOLE, '/page', preflight))).toBeNull();
    expect(allowed(await ask('GET', CONSOLE, '/healthz'))).toBeNull();
  });

  test('is nobody by a cookie', async () => {
    const cookie = `__Host-planton-session=${'x'.repeat(43)}`;
    const response = await ask('POST', CONSOLE, PATH, { 'content-type': 'application/json', cookie });
    expect(response.status).toBe(401);
  });
});

describe('every answer', () => {
  const expected = {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
    'strict-transport-security': 'max-age=31536000',
  };

  test.each([
    ['GET', '/healthz'],
    ['GET', '/nothing'],
    ['POST', PATH],
    ['GET', PATH],
  ])('to %s %s says what it is not', async (method, path) => {
    const { headers } = await ask(method, 'https://anywhere.test', path, {
      'content-type': 'application/json',
    });
    expect(Object.fromEntries(headers)).toMatchObject({ ...expected, 'referrer-policy': 'no-referrer' });
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test('of a page may say otherwise', async () => {
    const { headers } = await ask('GET', CONSOLE, '/page');
    expect(Object.fromEntries(headers)).toMatchObject({ ...expected, 'referrer-policy': 'same-origin' });
  });

  test('to gRPC says nothing of it', async () => {
    const client = createClient(ConfigManager, createGrpcTransport({ baseUrl: listener.url }));
    const seen: string[] = [];
    await client
      .getSecret({ org: 'acme', slug: 'x' }, { onHeader: (headers) => seen.push(...headers.keys()) })
      .catch(() => {});
    expect(seen).not.toContain('x-frame-options');
  });
});
