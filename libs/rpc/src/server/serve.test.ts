import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { create, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ConnectRouter, createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@planton/api/grpc/health/v1/health';
import { ServerReflection, ServerReflectionRequestSchema } from '@planton/api/grpc/reflection/v1/reflection';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callerOf } from '../caller/caller.ts';
import { missing } from '../errors/domain-error.ts';
import { createTestPlatform, type TestPlatform } from '../testing/index.ts';
import { type Listener, listen } from './listen.ts';
import { serve } from './serve.ts';

const org = { uid: 'org-1', slug: 'acme' };
let platform: TestPlatform;
let listener: Listener;
let ready = true;
let notes: string[] = [];

const routes = (router: ConnectRouter) =>
  router.service(ConfigManager, {
    getSecret: ({ slug }, context) => {
      if (slug === 'boom') throw new Error('the password is hunter2');
      if (slug === 'gone')
        throw missing('SECRET_NOT_FOUND', 'secret "gone" does not exist', { hint: 'planton secret list' });
      return { secret: { slug, uid: callerOf(context).subject.name } };
    },
    accessSecret: () => ({ entries: { value: 'the value' } }),
  });

const start = () =>
  serve({
    address: '127.0.0.1:0',
    services: [ConfigManager],
    routes,
    guard: platform.guard,
    ready: async () => ready,
    notes: () => notes,
  });

beforeAll(async () => {
  platform = await createTestPlatform();
  listener = await start();
});
afterAll(() => listener.close(0));

const failure = async (call: Promise<unknown>): Promise<ConnectError> => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
};
const info = (error: ConnectError) => error.findDetails(ErrorInfoSchema)[0];

describe('one port', () => {
  test.each([
    ['Connect over HTTP/1.1', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '1.1' })],
    ['Connect over HTTP/2', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' })],
    ['gRPC over HTTP/2', (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ['gRPC-Web over HTTP/1.1', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' })],
  ])('%s', async (_name, transport) => {
    const token = await platform.tokenFor({ org, role: 'viewer', name: 'Ada' });
    const client = createClient(ConfigManager, transport(listener.url));
    const headers = { authorization: `Bearer ${token}` };
    expect((await client.getSecret({ org: 'acme', slug: 'db' }, { headers })).secret?.uid).toBe('Ada');
  });

  test('an address in use is an error that names --listen', async () => {
    const { host } = new URL(listener.url);
    await expect(listen(host, () => {})).rejects.toThrow(/in use .* --listen/);
  });

  test.each(['nonsense', '127.0.0.1', '127.0.0.1:70000', ':x'])('%s is no address', async (address) => {
    await expect(listen(address, () => {})).rejects.toThrow('HOST:PORT');
  });

  test.each(['\0\0\0\0', 'PRI * NONSENSE\r\n\r\n', 'GET', 'P'])(
    'garbage %j ends its own connection alone',
    async (garbage) => {
      const { hostname, port } = new URL(listener.url);
      const socket = connectTcp(Number(port), hostname);
      socket.on('error', () => {});
      socket.resume();
      socket.end(garbage);
      await new Promise((resolve) => socket.on('close', resolve));
      expect((await fetch(`${listener.url}/healthz`)).status).toBe(200);
    },
  );

  test('draining lets a request finish and refuses new connections', async () => {
    let release = () => {};
    const entered = Promise.withResolvers<void>();
    const slow = await listen('127.0.0.1:0', (_request, response) => {
      entered.resolve();
      release = () => response.end('done');
    });
    const answer = fetch(slow.url);
    await entered.promise;
    const closed = slow.close(10_000);
    await expect(fetch(slow.url)).rejects.toThrow();
    release();
    expect(await (await answer).text()).toBe('done');
    await closed;
  });

  test('draining cuts off what does not finish', async () => {
    const entered = Promise.withResolvers<void>();
    const stuck = await listen('127.0.0.1:0', () => entered.resolve());
    const session = connectHttp2(stuck.url);
    session.on('error', () => {});
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await entered.promise;
    await stuck.close(50);
    session.destroy();
  });
});

describe('health and reflection', () => {
  test('follow readiness without a token', async () => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: listener.url }));
    expect((await client.check({})).status).toBe(Status.SERVING);
    expect((await client.check({ service: ConfigManager.typeName })).status).toBe(Status.SERVING);
    expect((await failure(client.check({ service: 'nobody' }))).code).toBe(Code.NotFound);
    ready = false;
    try {
      expect((await client.check({})).status).toBe(Status.NOT_SERVING);
      expect((await fetch(`${listener.url}/readyz`)).status).toBe(503);
      expect((await fetch(`${listener.url}/healthz`)).status).toBe(200);
    } finally {
      ready = true;
    }
    const answer = await fetch(`${listener.url}/readyz`);
    expect([answer.status, await answer.text()]).toEqual([200, 'ready\n']);
    notes = ['audit sink 1 of identity: 12 seals behind, the oldest for 40 s'];
    const told = await fetch(`${listener.url}/readyz`);
    expect([told.status, await told.text()]).toEqual([200, `ready\n${notes[0]}\n`]);
    notes = [];
    expect((await fetch(`${listener.url}/nothing`)).status).toBe(404);
  });

  test('watch answers at once and ends with the caller', async () => {
    const client = createClient(Health, createGrpcTransport({ baseUrl: listener.url }));
    for await (const { status } of client.watch({})) {
      expect(status).toBe(Status.SERVING);
      break;
    }
  });

  test('reflection lists services and sends files with all that they import', async () => {
    const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: listener.url }));
    const ask = (
      messageRequest: ReturnType<typeof create<typeof ServerReflectionRequestSchema>>['messageRequest'],
    ) => create(ServerReflectionRequestSchema, { messageRequest });
    const questions = [
      ask({ case: 'listServices', value: '' }),
      ask({ case: 'fileContainingSymbol', value: `${ConfigManager.typeName}.SetSecret` }),
      ask({ case: 'fileContainingSymbol', value: 'no.such.Symbol' }),
    ];
    const answers = [];
    for await (const { messageResponse } of client.serverReflectionInfo(
      (async function* () {
        yield* questions;
      })(),
    )) {
      answers.push(messageResponse);
    }
    const [services, file, refusal] = answers;
    expect(
      services?.case === 'listServicesResponse' && services.value.service.map(({ name }) => name),
    ).toContain('planton.config.v1.ConfigManager');
    const names =
      file?.case === 'fileDescriptorResponse' &&
      file.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name);
    expect(names).toContain('planton/config/v1/config_manager_service.proto');
    expect(names).toContain('buf/validate/validate.proto');
    expect(refusal?.case === 'errorResponse' && refusal.value.errorCode).toBe(Code.NotFound);
  });
});

describe('errors', () => {
  const call = async (slug: string) => {
    const token = await platform.tokenFor({ org, role: 'viewer' });
    const client = createClient(ConfigManager, createGrpcTransport({ baseUrl: listener.url }));
    return failure(
      client.getSecret({ org: 'acme', slug }, { headers: { authorization: `Bearer ${token}` } }),
    );
  };

  test('of the domain travel with reason, hint and request id', async () => {
    const error = await call('gone');
    expect(error.code).toBe(Code.NotFound);
    expect(info(error)).toMatchObject({
      reason: 'SECRET_NOT_FOUND',
      hint: 'planton secret list',
      domain: 'planton.config.v1',
    });
    expect(error.metadata.get('x-request-id')).toBeTruthy();
  });

  test('of ours tell callers nothing but the id of the request', async () => {
    const error = await call('boom');
    expect(error.code).toBe(Code.Internal);
    expect(JSON.stringify([error.message, info(error)])).not.toContain('hunter2');
    expect(error.rawMessage).toContain(error.metadata.get('x-request-id'));
  });
});
