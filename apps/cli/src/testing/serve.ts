import { createServer, type IncomingHttpHeaders } from 'node:http';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { type ErrorInfo, ErrorInfoSchema } from '@planton/api/common/v1/error';
import { onTestFinished } from 'vitest';

/** A real server of the given routes on that port, else on a free one, until the test ends. */
export async function serve(
  routes: (router: ConnectRouter) => void,
  port = 0,
): Promise<{
  url: string;
  requests: { url: string; headers: IncomingHttpHeaders }[];
  /** Cuts every connection that is open. */
  cut: () => void;
  /** Ends the server. */
  stop: () => Promise<void>;
}> {
  const requests: { url: string; headers: IncomingHttpHeaders }[] = [];
  const handler = connectNodeAdapter({ routes });
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers });
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  onTestFinished(stop);
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('no address');
  return { url: `http://127.0.0.1:${address.port}`, requests, cut: () => server.closeAllConnections(), stop };
}

/** An error as the services of the platform send it. */
export function refusal(
  code: Code,
  message: string,
  info: Partial<Omit<ErrorInfo, '$typeName' | '$unknown'>> = {},
): ConnectError {
  const detail = create(ErrorInfoSchema, { reason: 'TEST', ...info });
  return new ConnectError(message, code, undefined, [{ desc: ErrorInfoSchema, value: detail }]);
}

export { Code };
