/**
 * The bare libraries over mutual TLS: a server that answers every frame with one. `serve-bidi.ts connect|grpc-js`, certificates in
 * `BENCH_TLS`; it sends `{port}` to its parent.
 */
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, toBinary } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import {
  type OpenSessionRequest,
  OpenSessionResponseSchema,
  RunnerGateway,
} from '@planton/api/runner/v1/runner_gateway';
import type { Certificates } from './make-certificates.ts';

const { ca, server } = JSON.parse(process.env.BENCH_TLS ?? '{}') as Certificates;
const welcome = create(OpenSessionResponseSchema, {
  sequence: 1n,
  frame: { case: 'welcome', value: { sessionUid: 'bench', gatewayUid: 'bench' } },
});

async function* echo(frames: AsyncIterable<OpenSessionRequest>) {
  for await (const _ of frames) yield welcome;
}

if (process.argv[2] === 'grpc-js') {
  const bytes = Buffer.from(toBinary(OpenSessionResponseSchema, welcome));
  const grpc = new Server();
  const pass = (buffer: Buffer) => buffer;
  grpc.addService(
    {
      openSession: {
        path: `/${RunnerGateway.typeName}/OpenSession`,
        requestStream: true,
        responseStream: true,
        requestSerialize: pass,
        requestDeserialize: pass,
        responseSerialize: pass,
        responseDeserialize: pass,
      },
    },
    {
      openSession: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', () => call.write(bytes));
        call.on('end', () => call.end());
        call.on('error', () => {});
      },
    },
  );
  const pair = { cert_chain: Buffer.from(server.cert), private_key: Buffer.from(server.key) };
  const credentials = ServerCredentials.createSsl(Buffer.from(ca), [pair], true);
  grpc.bindAsync('127.0.0.1:0', credentials, (_error, port) => process.send?.({ port }));
} else {
  const handler = connectNodeAdapter({
    routes: (router) => router.service(RunnerGateway, { openSession: echo }),
  });
  const http = createSecureServer({ ...server, ca, requestCert: true, rejectUnauthorized: true }, handler);
  http.on('sessionError', () => {});
  http.listen(0, '127.0.0.1', () => process.send?.({ port: (http.address() as AddressInfo).port }));
}
