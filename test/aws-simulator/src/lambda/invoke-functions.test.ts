import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LambdaFunction } from './functions.ts';
import { type Invoker, invokeFunctions } from './invoke-functions.ts';
import type { Network } from './job.ts';

let server: Server;
let origin: string;
let network: Network;
const asked: string[] = [];
const invokers: Invoker[] = [];

beforeEach(async () => {
  asked.length = 0;
  server = createServer((message, response) => {
    asked.push(message.url ?? '');
    response.end('heard');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  network = { state: 'open', reachable: '' };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(invokers.splice(0).map((invoker) => invoker.stop()));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const functionOf = (code: string, more: Partial<LambdaFunction> = {}): LambdaFunction => ({
  arn: 'arn:aws:lambda:us-west-2:444455556666:function:made',
  name: 'made',
  code,
  exported: 'handler',
  timeoutSeconds: 60,
  memoryMegabytes: 128,
  environment: { OWN: 'own' },
  roleArn: 'arn:aws:iam::444455556666:role/made',
  ...more,
});

function open(clockFactor = 1): Invoker {
  const invoker = invokeFunctions({ clockFactor, network: () => network });
  invokers.push(invoker);
  return invoker;
}

async function run(code: string, more: Partial<LambdaFunction> = {}, clockFactor = 1) {
  const invoker = open(clockFactor);
  await invoker.invoke(functionOf(code, more), { origin }, 1);
  await invoker.idle();
  return invoker.invocations()[0];
}

describe('a handler', () => {
  test.each([
    ['a promise', 'exports.handler = async (event) => { console.log(event.origin); };'],
    [
      'a callback',
      'exports.handler = (event, context, callback) => { console.log(event.origin); callback(null); };',
    ],
    ['context.done', 'exports.handler = (event, context) => { console.log(event.origin); context.done(); };'],
    [
      'nothing left to do',
      'exports.handler = (event) => { setTimeout(() => console.log(event.origin), 10); };',
    ],
    [
      'a callback, and then with what is still under way',
      "exports.handler = (event, context, callback) => { require('http').get(event.origin, (r) => r.on('end', () => console.log(event.origin)).resume()); callback(); };",
    ],
  ])('ends with %s', async (_, code) => {
    expect(await run(code)).toMatchObject({ outcome: 'returned', log: `${origin}\n` });
  });

  test.each([
    ['throws', "exports.handler = () => { throw new Error('thrown'); };", 'thrown'],
    ['rejects', "exports.handler = async () => { throw new Error('thrown'); };", 'thrown'],
    [
      'calls back with an error',
      "exports.handler = (e, c, callback) => callback(new Error('thrown'));",
      'thrown',
    ],
    ['is not exported', 'exports.other = () => {};', 'index.handler is undefined or not exported'],
    ['is no code', 'exports.handler = ;', 'SyntaxError'],
    ['ends the process', 'exports.handler = async () => process.exit(3);', ''],
    [
      'leaves an error to nobody',
      "exports.handler = () => { setTimeout(() => { throw new Error('late'); }, 1); };",
      'late',
    ],
  ])('that %s failed', async (_, code, log) => {
    const invocation = await run(code);
    expect(invocation?.outcome).toBe('failed');
    expect(invocation?.log).toContain(log.replace('SyntaxError', 'Unexpected token'));
  });

  test('is killed at its timeout, whatever it does', async () => {
    const code =
      'exports.handler = (e, context) => { console.log(context.getRemainingTimeInMillis() <= 250); for (;;); };';
    const invocation = await run(code, { timeoutSeconds: 50 }, 200);
    expect(invocation).toMatchObject({ outcome: 'timed_out', log: 'true\n' });
  });

  test('is killed when the simulator stops, and nothing runs after that', async () => {
    const invoker = open();
    await invoker.invoke(functionOf('exports.handler = () => { for (;;); };'), {}, 3);
    await invoker.stop();
    expect(invoker.invocations().map(({ outcome }) => outcome)).toEqual(['stopped']);
    await invoker.invoke(functionOf('exports.handler = () => {};'), {}, 1);
    expect(invoker.invocations()).toHaveLength(1);
  });

  test('runs as often as it is told to, one after the other', async () => {
    const invoker = open();
    const code =
      "exports.handler = async ({ origin }) => { await fetch(origin + '/in'); await fetch(origin + '/out'); };";
    await invoker.invoke(functionOf(code), { origin }, 3);
    await invoker.idle();
    expect(asked).toEqual(['/in', '/out', '/in', '/out', '/in', '/out']);
  });
});

test('nothing of this process is in its environment, and its folder is gone afterwards', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'canary');
  vi.stubEnv('NODE_OPTIONS', '--no-deprecation');
  const code =
    'exports.handler = async () => console.log(JSON.stringify([process.env, process.execArgv, __filename]));';
  const invocation = await run(code);
  const [env, args, file] = JSON.parse(invocation?.log ?? '');
  expect(Object.keys(env).filter((name) => !/^(AWS_|LAMBDA_|LANG|OWN|TZ|NODE_CHANNEL)/.test(name))).toEqual(
    [],
  );
  expect(invocation?.log).not.toContain('canary');
  expect(env).toMatchObject({ AWS_REGION: 'us-west-2', AWS_LAMBDA_FUNCTION_NAME: 'made', OWN: 'own' });
  expect(args).toEqual([]);
  expect(file).toMatch(/index\.js$/);
  await expect(import('node:fs/promises').then(({ stat }) => stat(file))).rejects.toThrow('ENOENT');
});

test('what it writes is kept up to a limit', async () => {
  const invocation = await run("exports.handler = async () => console.log('x'.repeat(200_000));");
  expect(invocation?.log).toHaveLength(64 * 1024);
});

describe('a network that is cut', () => {
  const CODE = `
exports.handler = async ({ origin, other }) => {
  const http = require('http');
  const get = (url) => new Promise((resolve) => {
    const request = http.get(url, (response) => resolve(response.statusCode));
    request.on('error', (error) => resolve(error.code));
    request.setTimeout(300, () => request.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
  });
  const fetched = (url) => fetch(url, { signal: AbortSignal.timeout(300) }).then((r) => r.status, (e) => e.cause?.code ?? e.name);
  console.log([await get(origin), await fetched(origin), await get(other), await fetched(other)].join(' '));
};`;

  test.each([
    ['open', '200 200 200 200'],
    ['refused', '200 200 ECONNREFUSED ECONNREFUSED'],
    ['silent', '200 200 TIMEOUT TimeoutError'],
  ] as const)('%s', async (state, expected) => {
    const other = createServer((_, response) => void response.end());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      network = { state, reachable: new URL(origin).host };
      const invoker = open();
      const address = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
      await invoker.invoke(functionOf(CODE), { origin, other: address }, 1);
      await invoker.idle();
      expect(invoker.invocations()[0]?.log).toBe(`${expected}\n`);
    } finally {
      other.closeAllConnections();
      other.close();
    }
  });
});
