import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type ClientReadableStream, credentials, Client as GrpcClient, Metadata } from '@grpc/grpc-js';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { RunnerState } from '@planton/api/runner/v1/runner';
import {
  WatchRunnersRequestSchema,
  type WatchRunnersResponse,
  WatchRunnersResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import type { RunnerCredentials } from '@planton/enrolment';
import { runProgram } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ORG, type RunnerWorld, startRunnerWorld } from './prepare-runners.ts';
import { dialWithOpenssl } from './run-openssl.ts';
import { waitUntil } from './wait-until.ts';

// Programs that know nothing of ours: they have the address, a key, and what the server says about itself.

const buf = join(import.meta.dirname, '../../../node_modules/.bin/buf');
let world: RunnerWorld;
let instance: RunnerCredentials;

beforeAll(async () => {
  world = await startRunnerWorld();
  instance = await world.enrol('other');
}, 120_000);
afterAll(() => world?.stop());

describe('buf curl, over gRPC and by reflection', () => {
  const call = async (method: string, request: object, key = world.platform.ownerKey()) => {
    const url = `${world.platform.url}/planton.runner.v1.${method}`;
    const flags = [
      '--protocol',
      'grpc',
      '--http2-prior-knowledge',
      '-d',
      JSON.stringify(request),
      '-H',
      '@-',
    ];
    const { HOME, PATH } = process.env;
    return runProgram(buf, ['curl', ...flags, url], {
      env: { HOME, PATH, BUF_CACHE_DIR: join(world.platform.home, 'buf') },
      input: `authorization: Bearer ${key}\n`,
    });
  };

  test('lists the runners', async () => {
    const { code, stdout, stderr } = await call('RunnerService/ListRunners', { org: ORG });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      runners: [
        { metadata: { slug: 'good' }, status: { state: 'RUNNER_STATE_ONLINE', onlineInstances: 1 } },
        { metadata: { slug: 'other' }, status: { state: 'RUNNER_STATE_PENDING' } },
      ],
    });
  });

  test('has an operation carried out', async () => {
    const { code, stdout } = await call('RunnerService/ExecuteOperation', {
      org: ORG,
      runner: 'good',
      input: { ping: {} },
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      operation: {
        state: 'OPERATION_STATE_SUCCEEDED',
        kind: 'OPERATION_KIND_PING',
        attempt: 1,
        output: { ping: {} },
      },
    });
  });

  test('is told what is missing, why, and what to type next', async () => {
    const { code, stderr } = await call('RunnerService/GetRunner', { org: ORG, runner: 'nobody' });
    expect(code).not.toBe(0);
    const { details, ...error } = JSON.parse(stderr);
    expect(error).toEqual({ code: 'not_found', message: expect.stringContaining('"nobody"') });
    expect(details).toEqual([{ type: 'planton.common.v1.ErrorInfo', value: expect.any(String) }]);
    expect(fromBinary(ErrorInfoSchema, Buffer.from(details[0].value, 'base64'))).toMatchObject({
      reason: 'RUNNER_NOT_FOUND',
      domain: 'planton.runner.v1',
      hint: expect.stringMatching(/^planton runner /),
    });
  });

  test('is refused without a key that is known', async () => {
    const { code, stderr } = await call('RunnerService/ListRunners', { org: ORG }, 'made-up');
    expect(code).not.toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'unauthenticated' });
  });

  test('finds no RunnerGateway where the API is', async () => {
    const { code, stderr } = await call('RunnerGateway/RenewCertificate', {});
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/"planton\.runner\.v1\.RunnerGateway" (was )?not found|failed to find service/i);
  });
});

describe('grpc-js', () => {
  test('watches the runners: all of them, then what changes, until it has seen enough', async () => {
    const client = new GrpcClient(new URL(world.platform.url).host, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${world.platform.ownerKey()}`);
    const received: WatchRunnersResponse[] = [];
    const stream: ClientReadableStream<WatchRunnersResponse> = client.makeServerStreamRequest(
      '/planton.runner.v1.RunnerService/WatchRunners',
      (request: { org: string }) =>
        Buffer.from(toBinary(WatchRunnersRequestSchema, create(WatchRunnersRequestSchema, request))),
      (bytes) => fromBinary(WatchRunnersResponseSchema, bytes),
      { org: ORG },
      metadata,
    );
    const ended = new Promise<number>((resolve) =>
      stream.on('error', (error) => resolve(Object(error).code)),
    );
    stream.on('data', (message: WatchRunnersResponse) => received.push(message));
    const states = (slug: string) =>
      received.flatMap(({ event }) =>
        event.case === 'runner' && event.value.metadata?.slug === slug ? [event.value.status?.state] : [],
      );
    await waitUntil('all are there', () => states('good').length > 0 && states('other').length > 0);
    expect(states('good')).toEqual([RunnerState.ONLINE]);
    expect(states('other')).toEqual([RunnerState.PENDING]);

    await world.planton.runners.registerRunner({ org: ORG, name: 'third' });
    await waitUntil('the new one', () => states('third').at(-1) === RunnerState.PENDING);
    await world.good.end('SIGTERM');
    await waitUntil('the end of one', () => states('good').at(-1) === RunnerState.OFFLINE);
    stream.cancel();
    expect(await ended).toBe(1);
    client.close();
  }, 60_000);
});

describe('openssl s_client', () => {
  const verifying = ['-alpn', 'h2', '-verify', '5', '-verify_return_error', '-brief'];

  test('verifies the gateway with the authorities of an enrolment, and speaks TLS 1.3', async () => {
    const identity = { ca: instance.caBundle, cert: instance.certificate, key: instance.privateKey };
    const { code, stderr } = await dialWithOpenssl(world.platform.runnerAddress, identity, [
      ...verifying,
      '-verify_ip',
      '127.0.0.1',
    ]);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^Verification: OK$/m);
    expect(stderr).toMatch(/^Protocol version: TLSv1\.3$/m);
    expect(stderr).toMatch(/^Peer certificate: /m);
    const named = await dialWithOpenssl(world.platform.runnerAddress, identity, [
      ...verifying,
      '-verify_hostname',
      'localhost',
    ]);
    expect(named.stderr).toMatch(/^Verified peername: localhost$/m);
  });

  test('does not take the gateway for another host, nor without its authority', async () => {
    const identity = { ca: instance.caBundle, cert: instance.certificate, key: instance.privateKey };
    for (const [flag, host] of [
      ['-verify_hostname', 'gateway.example.com'],
      ['-verify_ip', '127.0.0.2'],
    ] as const) {
      const elsewhere = await dialWithOpenssl(world.platform.runnerAddress, identity, [
        ...verifying,
        flag,
        host,
      ]);
      expect(elsewhere.code).not.toBe(0);
      expect(elsewhere.stderr).toMatch(/(hostname|IP address) mismatch/i);
    }
    const { privateKey: key, certificate: cert } = instance;
    const unknown = await dialWithOpenssl(world.platform.runnerAddress, { ca: cert, cert, key }, verifying);
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toMatch(/unable to get (local )?issuer|self-signed|verify error/i);
  });
});
