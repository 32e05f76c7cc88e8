import { connect as connectHttp2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, type ConnectRouter, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { Health } from '@planton/api/grpc/health/v1/health';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { peerAddressKey } from '../caller/caller.ts';
import { unauthenticated } from '../errors/domain-error.ts';
import type { RequestRates } from '../limits/count-requests.ts';
import { createTestPlatform, type TestPlatform } from '../testing/index.ts';
import { answerPlainly } from './http-route.ts';
import type { Listener } from './listen.ts';
import { serve } from './serve.ts';

const org = { uid: 'org-1', slug: 'acme' };
let platform: TestPlatform;
let listener: Listener;
let exchanges = 0;
/** How often somebody looked whether the server is ready. */
let looks = 0;

const routes = (router: ConnectRouter) => {
  router.service(ConfigManager, {
    getSecret: (_request, { values }) => ({ secret: { uid: values.get(peerAddressKey) } }),
    listSecrets: () => ({}),
  });
  router.service(Identity, {
    exchangeToken: ({ apiKey }) => {
      if (apiKey === 'right') return { accessToken: 'token' };
      throw unauthenticated('API_KEY_INVALID', 'the API key is not valid');
    },
  });
};

const start = async (rates?: RequestRates) => {
  platform = await createTestPlatform(rates ? { rates } : {});
  const right = async () => {
    exchanges++;
    return platform.tokenFor({ org, role: 'viewer' });
  };
  platform.apiKeys.set('planton_right', right);
  platform.apiKeys.set('planton_other', right);
  listener = await serve({
    address: '127.0.0.1:0',
    services: [ConfigManager, Identity],
    routes,
    guard: platform.guard,
    ready: async () => {
      looks++;
      await sleep(20);
      return true;
    },
    http: [{ method: 'GET', path: '/page', handle: (_, response) => answerPlainly(response, 200, 'a page') }],
    edge: { trustedProxies: ['127.0.0.1'], corsOrigins: [], secure: false },
  });
};

beforeEach(() => start());
afterEach(() => listener.close(0));

interface From {
  readonly address?: string;
  readonly credential?: string;
}
const headersOf = ({ address, credential }: From) => ({
  ...(address && { 'x-forwarded-for': address }),
  ...(credential && { authorization: `Bearer ${credential}` }),
});
const call = (from: From) =>
  createClient(ConfigManager, createConnectTransport({ baseUrl: listener.url, httpVersion: '2' })).getSecret(
    { org: 'acme', slug: 'x' },
    { headers: headersOf(from) },
  );
const exchange = (apiKey: string, from: From) =>
  createClient(Identity, createConnectTransport({ baseUrl: listener.url, httpVersion: '2' })).exchangeToken(
    { apiKey },
    { headers: headersOf(from) },
  );
const refusal = async (answer: Promise<unknown>) => {
  const error = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  const { code, metadata } = error as ConnectError;
  const info = (error as ConnectError).findDetails(ErrorInfoSchema)[0];
  return { code, reason: info?.reason, hint: info?.hint, retryAfter: info?.retryAfter, metadata };
};

/** The token of a service that has called already. */
const knownService = async () => {
  const credential = await platform.serviceToken('config-manager');
  await refusal(call({ credential }));
  return credential;
};

/** Sends the headers of a request and then nothing more; resolves with what is answered all the same. */
const sendHeadersAlone = (path: string, headers: Readonly<Record<string, string>>) =>
  new Promise<{ status: unknown; text: string }>((resolve, reject) => {
    const session = connectHttp2(listener.url);
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    let status: unknown;
    let text = '';
    const late = setTimeout(() => {
      session.destroy();
      resolve({ status: 'none', text });
    }, 1_000);
    stream.on('error', reject);
    stream.on('response', (answer) => {
      status = answer[':status'];
    });
    stream.on('data', (chunk: Buffer) => {
      text += chunk;
    });
    stream.on('end', () => {
      clearTimeout(late);
      session.destroy();
      resolve({ status, text });
    });
  });

const GET_SECRET = '/planton.config.v1.ConfigManager/GetSecret';

describe('a stranger', () => {
  test.each([
    ['no credential', {}],
    ['a wrong one', { authorization: 'Bearer planton_wrong' }],
  ])('with %s is answered before the body has come', async (_name, headers) => {
    const answer = await sendHeadersAlone(GET_SECRET, { 'content-type': 'application/proto', ...headers });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'unauthenticated' });
  });

  test('is not told that bytes are no message', async () => {
    const post = (headers: Readonly<Record<string, string>>) =>
      fetch(listener.url + GET_SECRET, {
        method: 'POST',
        headers: { 'content-type': 'application/proto', ...headers },
        body: '\xff\xff\xff',
      }).then((response) => response.status);
    expect(await post({})).toBe(401);
    expect(await post({ authorization: 'Bearer planton_right' })).not.toBe(401);
  });

  test.each([
    ['Connect', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
    ['gRPC', (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ['gRPC-Web', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ])('is told what to do over %s, with the id of the request', async (_name, transport) => {
    const client = createClient(ConfigManager, transport(listener.url));
    const refused = await refusal(client.getSecret({ org: 'acme', slug: 'x' }));
    expect(refused).toMatchObject({
      code: Code.Unauthenticated,
      reason: 'NO_TOKEN',
      hint: 'planton auth login',
    });
    expect(refused.metadata.get('x-request-id')).toBeTruthy();
  });

  test('of an anonymous RPC is counted by address', async () => {
    await listener.close(0);
    await start({ perKey: 0, perOrganization: 0, perAddress: 1 });
    const from = { address: '203.0.113.1' };
    for (let i = 0; i < 10; i++) await exchange('right', from);
    const refused = await refusal(exchange('right', from));
    expect(refused).toMatchObject({ code: Code.ResourceExhausted, reason: 'RATE_LIMITED' });
    expect(Number(refused.metadata.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(refused.retryAfter?.seconds)).toBeLessThanOrEqual(10);
    await exchange('right', { address: '203.0.113.2' });
    const service = await knownService();
    for (let i = 0; i < 30; i++) await exchange('right', { ...from, credential: service });
    const unknown = await platform.serviceToken('connection-service');
    expect(await refusal(exchange('right', { ...from, credential: unknown }))).toMatchObject({
      reason: 'RATE_LIMITED',
    });
  });
});

describe('what anybody may ask', () => {
  test('whether the server is ready is found out once for all who ask at the same time', async () => {
    looks = 0;
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => fetch(`${listener.url}/readyz`).then(({ status }) => status)),
    );
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(looks).toBeLessThan(50);
  });

  test('streams are held by an address up to a number, and free when they end', async () => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: listener.url }));
    const headers = headersOf({ address: '203.0.113.1' });
    const open = async () => {
      const ending = new AbortController();
      const answers = client.watch({}, { headers, signal: ending.signal })[Symbol.asyncIterator]();
      await answers.next();
      return ending;
    };
    const held = await Promise.all(Array.from({ length: 20 }, open));
    expect(await refusal(open())).toMatchObject({ reason: 'STREAMS_TOO_MANY' });
    for (const each of held) each.abort();
    await expect
      .poll(() =>
        open().then(
          () => 'open',
          () => 'refused',
        ),
      )
      .toBe('open');
  });

  test('pages are counted by address', async () => {
    await listener.close(0);
    await start({ perKey: 0, perOrganization: 0, perAddress: 1 });
    const ask = () => fetch(`${listener.url}/page`, { headers: headersOf({ address: '203.0.113.1' }) });
    for (let i = 0; i < 10; i++) expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await fetch(`${listener.url}/page`)).status).toBe(200);
    expect((await fetch(`${listener.url}/healthz`)).status).toBe(200);
  });
});

describe('wrong credentials', () => {
  const from = '203.0.113.1';
  const guess = async (times: number, address: string) => {
    for (let i = 0; i < times; i++) await refusal(call({ address, credential: `planton_wrong${i}` }));
  };

  test('pause the address that they come from, and no other', async () => {
    await guess(30, from);
    expect(await refusal(call({ address: from, credential: 'planton_wrong' }))).toMatchObject({
      reason: 'API_KEY_INVALID',
    });
    expect(await refusal(call({ address: from, credential: 'planton_right' }))).toMatchObject({
      code: Code.ResourceExhausted,
      reason: 'TOO_MANY_FAILURES',
    });
    await call({ address: '203.0.113.2', credential: 'planton_right' });
    // What the client writes into the header itself is not believed.
    expect(
      await refusal(call({ address: `203.0.113.3, ${from}`, credential: 'planton_other' })),
    ).toMatchObject({ reason: 'TOO_MANY_FAILURES' });
  });

  test('do not pause who is known already', async () => {
    await call({ address: from, credential: 'planton_right' });
    await guess(35, from);
    const known = exchanges;
    await call({ address: from, credential: 'planton_right' });
    expect(exchanges).toBe(known);
    expect(await refusal(call({ address: from, credential: 'planton_other' }))).toMatchObject({
      reason: 'TOO_MANY_FAILURES',
    });
  });

  test('in the message of an anonymous RPC count too, and pause both', async () => {
    for (let i = 0; i < 31; i++) await refusal(exchange('wrong', { address: from }));
    const paused = { code: Code.ResourceExhausted, reason: 'TOO_MANY_FAILURES' };
    expect(await refusal(exchange('right', { address: from }))).toMatchObject(paused);
    expect(await refusal(call({ address: from, credential: 'planton_right' }))).toMatchObject(paused);
  });

  test('that a service brings are not its own', async () => {
    const credential = await knownService();
    for (let i = 0; i < 40; i++) await refusal(exchange('wrong', { address: from, credential }));
    await exchange('right', { address: from, credential });
  });

  test('are none where a token has merely ended, or nothing was shown', async () => {
    const ended = await platform.sign({ org: { ...org, role: 'viewer' }, exp: 1 });
    for (let i = 0; i < 40; i++) {
      expect(await refusal(call({ address: from, credential: ended }))).toMatchObject({
        reason: 'TOKEN_EXPIRED',
      });
      expect(await refusal(call({ address: from }))).toMatchObject({ reason: 'NO_TOKEN' });
    }
    await call({ address: from, credential: 'planton_right' });
  });
});

describe('a caller', () => {
  test('is refused over the rate of its key, by Connect and gRPC alike', async () => {
    await listener.close(0);
    await start({ perKey: 1, perOrganization: 0, perAddress: 0 });
    const credential = await platform.tokenFor({ org, role: 'viewer', apiKeyUid: 'key-1' });
    for (let i = 0; i < 10; i++) await call({ credential });
    expect(await refusal(call({ credential }))).toMatchObject({ reason: 'RATE_LIMITED' });
    const grpc = createClient(ConfigManager, createGrpcTransport({ baseUrl: listener.url }));
    const refused = await refusal(
      grpc.getSecret({ org: 'acme', slug: 'x' }, { headers: headersOf({ credential }) }),
    );
    expect(refused).toMatchObject({ code: Code.ResourceExhausted, reason: 'RATE_LIMITED' });
    expect(refused.metadata.get('retry-after')).toBeTruthy();
  });

  test('is recorded with the address that the proxy says', async () => {
    const { secret } = await call({ address: '203.0.113.9', credential: 'planton_right' });
    expect(secret?.uid).toBe('203.0.113.9');
  });
});
