/** The bare libraries: a server that answers an empty message with an empty message. `serve-echo.ts connect|grpc-js` prints its URL. */
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Identity } from '@planton/api/identity/v1/identity_service';

const say = (port: number) => process.stdout.write(`http://127.0.0.1:${port}\n`);

if (process.argv[2] === 'grpc-js') {
  const server = new Server();
  const empty = (buffer: Buffer) => buffer;
  server.addService(
    {
      whoAmI: {
        path: `/${Identity.typeName}/WhoAmI`,
        requestStream: false,
        responseStream: false,
        requestSerialize: empty,
        requestDeserialize: empty,
        responseSerialize: empty,
        responseDeserialize: empty,
      },
    },
    {
      whoAmI: (_call: unknown, answer: (error: null, value: Buffer) => void) => answer(null, Buffer.alloc(0)),
    },
  );
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => say(port));
} else {
  const routes = connectNodeAdapter({ routes: (router) => router.service(Identity, { whoAmI: () => ({}) }) });
  const server = createServer(routes).listen(0, '127.0.0.1', () =>
    say((server.address() as AddressInfo).port),
  );
}
